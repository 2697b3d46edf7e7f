#pragma once

#include <map>
#include <mutex>

#include "base/task_thread.hpp"
#include "transports/web/script_runner.hpp"

namespace crosspoint::node {

/// The processes of CGI scripts: started by a thread of their own, because to fork a large process takes a while and
/// because the kernel ends them with the thread that started them. The node's main thread tells of those that end.
class ScriptProcesses final : public transports::web::ScriptRunner {
 public:
  ScriptProcesses() = default;
  /// Ends all that still run.
  ~ScriptProcesses() override;
  ScriptProcesses(const ScriptProcesses&) = delete;
  ScriptProcesses& operator=(const ScriptProcesses&) = delete;

  void start(transports::web::ScriptCommand command, std::function<void(transports::web::ScriptProcess)> started,
             std::function<void()> ended) override;
  void kill(int pid) override;

  /// A child has ended and has not been waited for, so that its number is still its own. Ends what it has left behind.
  /// Of no effect for children that are not from here. Main thread.
  void on_exit(int pid);

 private:
  void run(const transports::web::ScriptCommand& command,
           const std::function<void(transports::web::ScriptProcess)>& started, std::function<void()> ended);

  std::mutex mutex_;
  std::map<int, std::function<void()>> running_;  // whom to tell of the end, by pid; guarded by mutex_
  base::TaskThread starter_;                      // ends first
};

}  // namespace crosspoint::node
