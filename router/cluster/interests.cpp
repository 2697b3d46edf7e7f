#include "cluster/interests.hpp"

#include <algorithm>
#include <utility>

namespace crosspoint::cluster {

bool Interests::want(const Name& name, const Waiter& waiter, Waiters& ready) {
  const bool first = ++names_[name] == 1;
  if (!connected_) {
    ready.push_back(waiter);
    return false;
  }
  if (first) {
    asked_.push_back({name, {waiter}});
    return true;
  }
  // Two patterns of WAMP may be one of Redis. What was asked for last counts: it may have been given up in between.
  const auto asked =
      std::find_if(asked_.rbegin(), asked_.rend(), [&](const Asked& entry) { return entry.name == name; });
  (asked != asked_.rend() ? asked->waiters : ready).push_back(waiter);
  return false;
}

bool Interests::release(const Name& name) {
  const auto at = names_.find(name);
  if (at == names_.end() || --at.value() > 0) return false;
  names_.erase(at);
  return connected_;
}

std::vector<Interests::Name> Interests::connected() {
  connected_ = true;
  std::vector<Name> all;
  for (const auto& [name, count] : names_) {
    all.push_back(name);
    asked_.push_back({name, {}});
  }
  return all;
}

Interests::Waiters Interests::confirmed() {
  if (asked_.empty()) return {};
  Waiters waiters = std::move(asked_.front().waiters);
  asked_.pop_front();
  return waiters;
}

Interests::Waiters Interests::disconnected() {
  connected_ = false;
  Waiters all;
  for (const Asked& entry : std::exchange(asked_, {})) {
    all.insert(all.end(), entry.waiters.begin(), entry.waiters.end());
  }
  return all;
}

}  // namespace crosspoint::cluster
