#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace crosspoint::base {

/// A thread for what may take long (disks, processes) and must not hold up an I/O thread. It does one task after the
/// other. Whoever posts sees to it that not too many wait.
class TaskThread {
 public:
  TaskThread() : TaskThread(std::chrono::seconds(0), {}) {}
  /// Calls `tick` there as well, about every `interval`.
  TaskThread(std::chrono::steady_clock::duration interval, std::function<void()> tick);
  /// The task under way is done when this returns; those that wait are dropped.
  ~TaskThread();
  TaskThread(const TaskThread&) = delete;
  TaskThread& operator=(const TaskThread&) = delete;

  /// Any thread. A task is destroyed on this class's thread, unless it moves out what has to end elsewhere.
  void post(std::function<void()> task);

 private:
  void run();

  const std::chrono::steady_clock::duration interval_;
  const std::function<void()> tick_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> waiting_;  // guarded by mutex_
  bool ending_ = false;                        // guarded by mutex_
  std::thread thread_;
};

}  // namespace crosspoint::base
