#include "realm/call_queue.hpp"

#include <algorithm>
#include <utility>

#include "realm/registration.hpp"

namespace crosspoint::realm {
namespace {

bool is_free(const Callee& callee) { return !callee.slots || callee.slots->used < callee.slots->limit; }

/// The callee that the policy has for a call, if it is free. `first`, `last` and `single` have only one.
const Callee* free_callee(const Registration& registration, const std::vector<Callee>& callees, base::Random& random) {
  if (callees.empty()) return nullptr;
  const auto free_from = [&](std::size_t start) -> const Callee* {
    for (std::size_t i = 0; i < callees.size(); ++i) {
      const Callee& callee = callees[(start + i) % callees.size()];
      if (is_free(callee)) return &callee;
    }
    return nullptr;
  };
  switch (registration.invoke) {
    case wamp::InvocationPolicy::roundrobin:
      return free_from(registration.turn.fetch_add(1, std::memory_order_relaxed));
    case wamp::InvocationPolicy::random:
      return free_from(random.below(callees.size()));
    case wamp::InvocationPolicy::last:
      return is_free(callees.back()) ? &callees.back() : nullptr;
    default:
      return is_free(callees.front()) ? &callees.front() : nullptr;
  }
}

void use(const Callee& callee) {
  if (callee.slots) ++callee.slots->used;
}

}  // namespace

void CallQueue::limit(std::size_t most_queued) {
  const std::scoped_lock lock(mutex_);
  most_ = most_queued;
  limited_.store(true, std::memory_order_release);
}

CallQueue::Admission CallQueue::admit(const Registration& registration, const std::vector<Callee>& callees,
                                      const SessionKey& caller, bool behind, base::Random& random, Callee& callee) {
  const std::scoped_lock lock(mutex_);
  if (closed_) return Admission::closed;
  const auto is_own = [](const Waiter& other) { return other.handle == 0; };
  if (!behind && std::none_of(waiting_.begin(), waiting_.end(), is_own)) {
    const Callee* found = free_callee(registration, callees, random);
    const auto waits_for_it = [&](const Waiter& other) { return other.callee == found->key; };
    if (found != nullptr && std::none_of(waiting_.begin(), waiting_.end(), waits_for_it)) {
      use(*found);
      callee = *found;
      return Admission::start;
    }
  }
  if (waiting_.size() >= most_) return Admission::full;
  waiting_.push_back({caller});
  return Admission::queued;
}

CallQueue::Admission CallQueue::admit(const Callee& callee, std::uint64_t handle, bool waits) {
  const std::scoped_lock lock(mutex_);
  if (closed_) return Admission::closed;
  if (is_free(callee) && std::none_of(waiting_.begin(), waiting_.end(), [&](const Waiter& other) {
        return other.handle == 0 || other.callee == callee.key;
      })) {
    use(callee);
    return Admission::start;
  }
  if (!waits || waiting_.size() >= most_) return Admission::full;
  waiting_.push_back({{}, callee.key, handle});
  return Admission::queued;
}

bool CallQueue::take(const Callee& callee) {
  const std::scoped_lock lock(mutex_);
  if (closed_ || !is_free(callee)) return false;
  use(callee);
  return true;
}

bool CallQueue::next(const Registration& registration, const std::vector<Callee>& callees, base::Random& random,
                     Waiter& who, Callee& callee) {
  const std::scoped_lock lock(mutex_);
  if (waiting_.empty() || std::none_of(callees.begin(), callees.end(), is_free)) return false;
  const Callee* any = nullptr;  // what the policy has for sessions of this node, once one of them is asked for
  bool asked = false;
  const auto callee_for = [&](const Waiter& waiter) -> const Callee* {
    if (waiter.handle == 0) {
      if (!std::exchange(asked, true)) any = free_callee(registration, callees, random);
      return any;
    }
    const auto its =
        std::find_if(callees.begin(), callees.end(), [&](const Callee& other) { return other.key == waiter.callee; });
    return its != callees.end() && is_free(*its) ? &*its : nullptr;
  };
  for (auto at = waiting_.begin(); at != waiting_.end(); ++at) {
    const Callee* found = callee_for(*at);
    if (found == nullptr) continue;
    use(*found);
    callee = *found;
    who = *at;
    waiting_.erase(at);
    return true;
  }
  return false;
}

bool CallQueue::put_back(const SessionKey& caller) {
  const std::scoped_lock lock(mutex_);
  if (!closed_) waiting_.push_front({caller});
  return !closed_;
}

void CallQueue::release(Slots& slots) {
  const std::scoped_lock lock(mutex_);
  --slots.used;
}

void CallQueue::withdraw(const SessionKey& caller) {
  const std::scoped_lock lock(mutex_);
  const auto is_its = [&](const Waiter& other) { return other.handle == 0 && other.caller == caller; };
  const auto at = std::find_if(waiting_.rbegin(), waiting_.rend(), is_its);
  if (at != waiting_.rend()) waiting_.erase(std::next(at).base());
}

void CallQueue::withdraw(std::uint64_t handle) {
  const std::scoped_lock lock(mutex_);
  std::erase_if(waiting_, [&](const Waiter& other) { return other.handle == handle; });
}

std::vector<CallQueue::Waiter> CallQueue::drop(const SessionKey& callee) {
  const std::scoped_lock lock(mutex_);
  std::vector<Waiter> dropped;
  std::erase_if(waiting_, [&](const Waiter& other) {
    const bool meant = other.handle != 0 && other.callee == callee;
    if (meant) dropped.push_back(other);
    return meant;
  });
  return dropped;
}

std::deque<CallQueue::Waiter> CallQueue::close() {
  const std::scoped_lock lock(mutex_);
  closed_ = true;
  return std::exchange(waiting_, {});
}

}  // namespace crosspoint::realm
