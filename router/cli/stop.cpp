#include <fmt/core.h>
#include <signal.h>

#include <cerrno>
#include <chrono>
#include <fstream>
#include <memory>
#include <thread>

#include "cli/commands.hpp"
#include "node/pid_file.hpp"
#include "settings/load.hpp"

namespace crosspoint::cli {
namespace {

/// How long the node may take to end after each signal: longer than its own limits for an orderly stop.
constexpr std::chrono::seconds kPatience{8};
constexpr std::chrono::milliseconds kLook{20};

/// True if there is no such process, or one that has ended and only waits for its parent to take notice.
bool is_gone(int pid) {
  if (::kill(pid, 0) != 0 && errno == ESRCH) return true;
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  std::getline(stat, line);
  const auto state = line.rfind(") ");  // the program's name stands in parentheses and may hold anything
  return state != std::string::npos && line.compare(state + 2, 1, "Z") == 0;
}

bool wait_until_gone(int pid) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!is_gone(pid)) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(kLook);
  }
  return true;
}

}  // namespace

int stop_node(const std::string& node_directory) {
  std::string note;
  const auto running = node::PidFile(node_directory).running(note);
  if (!running) {
    fmt::print("No Crosspoint is currently running from node directory {}.\n", node_directory);
    return kUnavailable;
  }
  for (const int signal : {SIGINT, SIGTERM, SIGKILL}) {
    if (::kill(running->pid, signal) != 0 && errno != ESRCH) {
      complain(fmt::format("the node (PID {}) cannot be signalled: not permitted", running->pid));
      return kFailed;
    }
    if (wait_until_gone(running->pid)) return kOk;
  }
  complain(fmt::format("the node (PID {}) does not end", running->pid));
  return kFailed;
}

void add_stop(CLI::App& app, Invocation& invocation) {
  auto cbdir = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand("stop", "stop the node that runs in a node directory");
  add_node_directory(*command, *cbdir);
  command->callback([&invocation, cbdir] {
    invocation.run = [cbdir] {
      return stop_node(settings::find_node_directory(*cbdir, settings::process_environment()));
    };
  });
}

}  // namespace crosspoint::cli
