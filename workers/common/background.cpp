#include "common/background.hpp"

#include <chrono>
#include <exception>

#include "common/log.hpp"

namespace workshop {

Background::Background(std::size_t threads, std::size_t limit) : limit_(limit) {
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

Background::~Background() { stop(); }

bool Background::post(Job job) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (stopping_) return false;
    if (jobs_.size() >= limit_) {
      if (!full_) terminal_log("Too much to do at a time: " + std::to_string(limit_) + " jobs wait, more are dropped");
      full_ = true;
      return false;
    }
    full_ = false;
    jobs_.push_back(std::move(job));
  }
  changed_.notify_all();
  return true;
}

void Background::stop() {
  {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(2), [this] { return jobs_.empty() && running_ == 0; });
    if (!jobs_.empty()) terminal_log("Ending with " + std::to_string(jobs_.size()) + " jobs not done");
    jobs_.clear();
    stopping_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void Background::work() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    ++running_;
    lock.unlock();
    try {
      job();
    } catch (const std::exception& error) {
      terminal_log(std::string("Error: ") + error.what());
    }
    job = nullptr;
    lock.lock();
    --running_;
    changed_.notify_all();
  }
}

}  // namespace workshop
