#include "cluster/interests.hpp"

#include <utility>

namespace crosspoint::cluster {

bool Interests::want(const Name& name, const Waiter& waiter, Waiters& ready) {
  Wanted& wanted = names_[name];
  const bool is_new = ++wanted.count == 1;
  if (!connected_) {
    ready.push_back(waiter);
    return false;
  }
  if (is_new) {
    wanted.asked = std::make_shared<Asked>();
    wanted.asked->waiters.push_back(waiter);
    return true;
  }
  // Two patterns of WAMP may be one of Redis.
  (wanted.asked->commands > 0 ? wanted.asked->waiters : ready).push_back(waiter);
  return false;
}

bool Interests::release(const Name& name) {
  const auto at = names_.find(name);
  if (at == names_.end() || --at.value().count > 0) return false;
  names_.erase(at);
  return connected_;
}

void Interests::asked(const Name& name, std::size_t connection) {
  const std::shared_ptr<Asked>& asked = names_.at(name).asked;
  ++asked->commands;
  if (asked->first) ++first_;
  asked_[connection].push_back(asked);
}

std::vector<Interests::Name> Interests::connected() {
  connected_ = true;
  std::vector<Name> all;
  for (auto at = names_.begin(); at != names_.end(); ++at) {
    all.push_back(at.key());
    at.value().asked = std::make_shared<Asked>();
    at.value().asked->first = true;
  }
  return all;
}

Interests::Waiters Interests::confirmed(std::size_t connection) {
  const auto at = asked_.find(connection);
  if (at == asked_.end() || at->second.empty()) return {};
  const std::shared_ptr<Asked> asked = std::move(at->second.front());
  at->second.pop_front();
  if (asked->first) --first_;
  if (--asked->commands > 0) return {};
  return std::exchange(asked->waiters, {});
}

Interests::Waiters Interests::disconnected() {
  connected_ = false;
  first_ = 0;
  Waiters all;
  for (auto& [connection, commands] : std::exchange(asked_, {})) {
    for (const std::shared_ptr<Asked>& asked : commands) {
      all.insert(all.end(), asked->waiters.begin(), asked->waiters.end());
      asked->waiters.clear();
    }
  }
  return all;
}

std::size_t Interests::unconfirmed() const {
  std::size_t count = 0;
  for (const auto& [connection, commands] : asked_) count += commands.size();
  return count;
}

}  // namespace crosspoint::cluster
