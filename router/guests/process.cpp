#include "guests/process.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

namespace crosspoint::guests {
namespace {

/// A pipe, or nothing. Both ends are closed on exec; ours is non-blocking.
struct Pipe {
  int ours = -1;
  int theirs = -1;

  bool open(bool we_write) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return false;
    ours = ends[we_write ? 1 : 0];
    theirs = ends[we_write ? 0 : 1];
    ::fcntl(ours, F_SETFL, ::fcntl(ours, F_GETFL) | O_NONBLOCK);
    return true;
  }
  void close_theirs() {
    if (theirs >= 0) ::close(theirs);
    theirs = -1;
  }
  void close_both() {
    close_theirs();
    if (ours >= 0) ::close(ours);
    ours = -1;
  }
};

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (auto& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

/// What the child needs, made before the fork: between fork and exec a process with threads may hardly do anything.
struct Plan {
  std::vector<std::string> arguments;
  std::vector<std::string> environment;
  std::vector<char*> argv;
  std::vector<char*> envp;
  const char* program;
  const char* workdir;
  std::array<int, 3> standard{};
  int parent = 0;
  int report = -1;  // where an errno goes if exec fails
};

[[noreturn]] void run_child(const Plan& plan) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  bool good = ::getppid() == plan.parent && ::chdir(plan.workdir) == 0;
  for (int fd = 0; fd < 3 && good; ++fd) good = ::dup2(plan.standard[static_cast<std::size_t>(fd)], fd) >= 0;
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (good) ::execve(plan.program, plan.argv.data(), plan.envp.data());
  const int error = errno;
  [[maybe_unused]] const auto written = ::write(plan.report, &error, sizeof error);
  ::_exit(127);
}

}  // namespace

bool start_process(const Command& command, const Streams& streams, Process& out, std::string& problem) {
  Pipe input, output, error_output, report;
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  const auto fail = [&](const char* what, int error) {
    problem = fmt::format("{}: {}", what, std::strerror(error));
    for (Pipe* pipe : {&input, &output, &error_output, &report}) pipe->close_both();
    if (null >= 0) ::close(null);
    return false;
  };
  if (null < 0 || (streams.input && !input.open(true)) || (streams.output && !output.open(false)) ||
      (streams.error_output && !error_output.open(false)) || !report.open(false)) {
    return fail("no pipes for it", errno);
  }
  Plan plan;
  plan.arguments.push_back(command.program);
  plan.arguments.insert(plan.arguments.end(), command.arguments.begin(), command.arguments.end());
  plan.environment = command.environment;
  plan.argv = pointers(plan.arguments);
  plan.envp = pointers(plan.environment);
  plan.program = command.program.c_str();
  plan.workdir = command.workdir.c_str();
  plan.standard = {streams.input ? input.theirs : null, streams.output ? output.theirs : null,
                   streams.error_output ? error_output.theirs : null};
  plan.parent = ::getpid();
  plan.report = report.theirs;
  const int pid = ::fork();
  if (pid < 0) return fail("fork", errno);
  if (pid == 0) run_child(plan);
  ::setpgid(pid, pid);  // here as well: whoever is first, the group is there from now on
  for (Pipe* pipe : {&input, &output, &error_output, &report}) pipe->close_theirs();
  ::fcntl(report.ours, F_SETFL, 0);
  int error = 0;
  const bool failed = ::read(report.ours, &error, sizeof error) == sizeof error;  // nothing comes if exec worked
  ::close(report.ours);
  report.ours = -1;
  if (failed) return fail(command.program.c_str(), error);
  ::close(null);
  out = {pid, input.ours, output.ours, error_output.ours};
  return true;
}

}  // namespace crosspoint::guests
