#include "base/task_thread.hpp"

namespace crosspoint::base {

TaskThread::TaskThread(std::chrono::steady_clock::duration interval, std::function<void()> tick)
    : interval_(interval), tick_(std::move(tick)), thread_([this] { run(); }) {}

TaskThread::~TaskThread() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void TaskThread::post(std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(task));
  }
  changed_.notify_one();
}

void TaskThread::run() {
  auto next_tick = std::chrono::steady_clock::now() + interval_;
  const auto something = [this] { return ending_ || !waiting_.empty(); };
  std::unique_lock lock(mutex_);
  while (true) {
    if (tick_) {
      changed_.wait_until(lock, next_tick, something);
    } else {
      changed_.wait(lock, something);
    }
    if (ending_) return;
    std::function<void()> task;
    if (!waiting_.empty()) {
      task = std::move(waiting_.front());
      waiting_.pop_front();
    }
    lock.unlock();
    if (task) task();
    task = nullptr;  // what it holds is not destroyed under the lock
    if (tick_ && std::chrono::steady_clock::now() >= next_tick) {
      tick_();
      next_tick = std::chrono::steady_clock::now() + interval_;
    }
    lock.lock();
  }
}

}  // namespace crosspoint::base
