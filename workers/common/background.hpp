#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace workshop {

/// Threads for what has to wait (HTTP, Redis), so that a session's own thread does not. With one thread the jobs run
/// one after the other, in the order in which they came.
/// A job that ends with Unreachable is done again a second later, and so on; the others wait behind it.
class Background {
 public:
  using Job = std::function<void()>;

  /// At most `limit` jobs wait at a time.
  Background(std::size_t threads, std::size_t limit);
  ~Background();
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  /// False (and a line in the log) if there are too many waiting already.
  bool post(Job job);

  /// Lets what is waiting be done, for two seconds at most, and ends the threads.
  void stop();

 private:
  void work();
  /// False if it is to be done again.
  bool done(const Job& job);

  const std::size_t limit_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  std::size_t running_ = 0;
  bool full_ = false;  ///< said so in the log
  std::atomic<bool> failing_{false};
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace workshop
