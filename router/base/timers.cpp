#include "base/timers.hpp"

#include <utility>

namespace crosspoint::base {

Timers::Handle Timers::add(TimePoint due, Callback callback) {
  Handle handle;
  handle.due_ = due;
  handle.serial_ = ++last_serial_;
  timers_.emplace(std::pair{due, handle.serial_}, std::move(callback));
  return handle;
}

void Timers::cancel(Handle& handle) {
  if (handle) timers_.erase({handle.due_, handle.serial_});
  handle = Handle();
}

void Timers::run_due(TimePoint now) {
  const std::uint64_t newest = last_serial_;  // a callback that adds a timer for "now" waits for the next call
  auto timer = timers_.begin();
  while (timer != timers_.end() && timer->first.first <= now) {
    if (timer->first.second > newest) {
      ++timer;
      continue;
    }
    const Callback callback = std::move(timer->second);
    timers_.erase(timer);
    callback();
    timer = timers_.begin();
  }
}

}  // namespace crosspoint::base
