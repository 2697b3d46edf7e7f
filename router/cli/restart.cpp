#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "cli/commands.hpp"
#include "node/pid_file.hpp"
#include "settings/load.hpp"

namespace crosspoint::cli {
namespace {

/// Stops the node and becomes it anew, with the command line and in the directory it was started with.
int restart(const std::string& cbdir, const std::string& program) {
  const std::string node_directory = settings::find_node_directory(cbdir, settings::process_environment());
  std::string note;
  const auto running = node::PidFile(node_directory).running(note);
  std::vector<std::string> argv{program, "start", "--cbdir", node_directory};
  if (running) {
    if (running->argv.size() > 1) argv = running->argv;
    if (const int result = stop_node(node_directory); result != kOk) return result;
    if (!running->cwd.empty() && ::chdir(running->cwd.c_str()) != 0) {
      complain(fmt::format("{}: {}", running->cwd, std::strerror(errno)));
      return kFailed;
    }
  }
  std::vector<char*> arguments;
  for (auto& argument : argv) arguments.push_back(argument.data());
  arguments.push_back(nullptr);
  std::fflush(stdout);
  ::execv("/proc/self/exe", arguments.data());
  complain(fmt::format("cannot start again: {}", std::strerror(errno)));
  return kFailed;
}

}  // namespace

void add_restart(CLI::App& app, Invocation& invocation) {
  auto cbdir = std::make_shared<std::string>();
  CLI::App* command =
      app.add_subcommand("restart", "stop the node, if it runs, and start it in the foreground with the same flags");
  add_node_directory(*command, *cbdir);
  command->callback(
      [&invocation, cbdir] { invocation.run = [&invocation, cbdir] { return restart(*cbdir, invocation.argv[0]); }; });
}

}  // namespace crosspoint::cli
