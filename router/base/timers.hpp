#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>

namespace crosspoint::base {

/// Things to do later, by deadline. Knows no clock: the owner calls run_due() with the time. Belongs to one thread.
class Timers {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  using Callback = std::function<void()>;

  /// Names one timer; the default value names none.
  class Handle {
   public:
    Handle() = default;
    explicit operator bool() const { return serial_ != 0; }

   private:
    friend class Timers;
    TimePoint due_{};
    std::uint64_t serial_ = 0;
  };

  Handle add(TimePoint due, Callback callback);
  /// No effect on a timer that has run or was cancelled. Clears the handle.
  void cancel(Handle& handle);
  /// Runs everything due at `now`, earliest first. Callbacks may add and cancel.
  void run_due(TimePoint now);
  /// When the next timer is due; TimePoint::max() if there is none.
  TimePoint next_due() const { return timers_.empty() ? TimePoint::max() : timers_.begin()->first.first; }
  std::size_t size() const { return timers_.size(); }

 private:
  std::map<std::pair<TimePoint, std::uint64_t>, Callback> timers_;
  std::uint64_t last_serial_ = 0;
};

}  // namespace crosspoint::base
