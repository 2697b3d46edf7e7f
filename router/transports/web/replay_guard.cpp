#include "transports/web/replay_guard.hpp"

#include <algorithm>

namespace crosspoint::transports::web {
namespace {

/// A time window is divided into so many stretches, which are forgotten one at a time.
constexpr int kStretches = 8;

}  // namespace

ReplayGuard::ReplayGuard(std::chrono::seconds limit, std::size_t most)
    : limit_(limit), width_(std::max(std::chrono::seconds(1), 2 * limit / kStretches)), most_(most) {}

std::int64_t ReplayGuard::stretch_of(Time time) const {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time.time_since_epoch());
  return seconds.count() / width_.count();
}

ReplayGuard::Verdict ReplayGuard::admit(std::uint64_t digest, Time timestamp, Time now) {
  const std::lock_guard lock(mutex_);
  if (limit_.count() == 0) return admit_of_any_age(digest);
  const std::int64_t current = stretch_of(now);
  std::erase_if(stretches_, [&](const Stretch& stretch) {
    if (stretch.number >= current) return false;
    size_ -= stretch.digests.size();
    return true;
  });
  // A request sent again has the same timestamp, and so belongs to the same stretch.
  const std::int64_t number = stretch_of(timestamp + limit_);
  auto at = std::find_if(stretches_.begin(), stretches_.end(), [&](const auto& one) { return one.number == number; });
  if (at != stretches_.end() && at->digests.contains(digest)) return Verdict::replayed;
  if (size_ >= most_) return Verdict::full;
  if (at == stretches_.end()) at = stretches_.insert(stretches_.end(), {number, {}});
  at->digests.insert(digest);
  ++size_;
  return Verdict::fresh;
}

ReplayGuard::Verdict ReplayGuard::admit_of_any_age(std::uint64_t digest) {
  for (const Stretch& stretch : stretches_) {
    if (stretch.digests.contains(digest)) return Verdict::replayed;
  }
  if (stretches_.empty() || stretches_.back().digests.size() >= most_ / 2) {
    if (stretches_.size() == 2) {
      size_ -= stretches_.front().digests.size();
      stretches_.pop_front();
    }
    stretches_.push_back({0, {}});
  }
  stretches_.back().digests.insert(digest);
  ++size_;
  return Verdict::fresh;
}

std::size_t ReplayGuard::size() const {
  const std::lock_guard lock(mutex_);
  return size_;
}

}  // namespace crosspoint::transports::web
