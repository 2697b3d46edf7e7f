#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <string>

namespace crosspoint::gateway {

/// The order of what is asked about an identity: while a registration is under way (it looks for its connection on
/// another thread, then it is stored), everything that came behind it for the same identity waits, so that it finds
/// what the registration has done. No I/O; belongs to one thread.
class IdentityTurns {
 public:
  using Task = std::function<void()>;

  /// Runs the task when it is its turn, which may be now.
  void run(const std::string& identity, Task task);
  /// Inside a task: the next ones wait until end(), which has to be called once.
  void begin(const std::string& identity);
  void end(const std::string& identity);

  /// Tasks that wait.
  std::size_t waiting() const { return waiting_; }

 private:
  struct Turns {
    bool under_way = false;
    bool running = false;  // tasks are taken from the queue, further up the stack
    std::deque<Task> tasks;
  };

  std::map<std::string, Turns> identities_;  // those that something waits for
  std::size_t waiting_ = 0;
};

}  // namespace crosspoint::gateway
