#include "common/background.hpp"

#include <chrono>
#include <exception>

#include "common/log.hpp"
#include "common/unreachable.hpp"

namespace workshop {
namespace {

constexpr std::chrono::seconds kBetweenTries{1};

}  // namespace

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
    const std::size_t left = jobs_.size() + running_;
    if (left > 0) terminal_log("Ending with " + std::to_string(left) + " jobs not done");
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
    const bool is_done = done(job);
    if (is_done) job = nullptr;  // what it holds goes while nobody waits for the lock
    lock.lock();
    if (!is_done) {
      changed_.wait_for(lock, kBetweenTries, [this] { return stopping_; });
      jobs_.push_front(std::move(job));
      if (stopping_) jobs_.clear();
    }
    --running_;
    changed_.notify_all();
  }
}

bool Background::done(const Job& job) {
  try {
    job();
  } catch (const Unreachable& error) {
    if (!failing_.exchange(true)) terminal_log(std::string("Error: ") + error.what() + ", trying again every second");
    return false;
  } catch (const std::exception& error) {
    terminal_log(std::string("Error: ") + error.what());
  }
  if (failing_.exchange(false)) terminal_log("It works again");
  return true;
}

}  // namespace workshop
