#include "node/script_processes.hpp"

#include <signal.h>

#include <utility>

#include "guests/process.hpp"

namespace crosspoint::node {

ScriptProcesses::~ScriptProcesses() {
  const std::lock_guard lock(mutex_);
  for (const auto& [pid, ended] : running_) ::kill(-pid, SIGKILL);
}

void ScriptProcesses::start(transports::web::ScriptCommand command,
                            std::function<void(transports::web::ScriptProcess)> started, std::function<void()> ended) {
  starter_.post([this, command = std::move(command), started = std::move(started), ended = std::move(ended)]() mutable {
    run(command, started, std::move(ended));
  });
}

void ScriptProcesses::run(const transports::web::ScriptCommand& command,
                          const std::function<void(transports::web::ScriptProcess)>& started,
                          std::function<void()> ended) {
  guests::Process process;
  transports::web::ScriptProcess made;
  {
    // Until the process is noted, on_exit() must not find it missing.
    const std::lock_guard lock(mutex_);
    if (guests::start_process({command.program, command.arguments, command.environment, command.directory}, {}, process,
                              made.problem)) {
      running_.emplace(process.pid, std::exchange(ended, nullptr));
    }
  }
  made.pid = process.pid;
  made.input = process.input;
  made.output = process.output;
  made.error_output = process.error_output;
  started(std::move(made));
  if (ended) ended();
}

void ScriptProcesses::kill(int pid) {
  // By the thread that may wait for the lock.
  starter_.post([this, pid] {
    const std::lock_guard lock(mutex_);
    if (running_.contains(pid)) ::kill(-pid, SIGKILL);
  });
}

void ScriptProcesses::on_exit(int pid) {
  std::function<void()> ended;
  {
    const std::lock_guard lock(mutex_);
    const auto at = running_.find(pid);
    if (at == running_.end()) return;
    ended = std::move(at->second);
    running_.erase(at);
    ::kill(-pid, SIGKILL);
  }
  ended();
}

}  // namespace crosspoint::node
