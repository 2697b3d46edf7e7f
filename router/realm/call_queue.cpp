#include "realm/call_queue.hpp"

#include <algorithm>

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
  if (!behind && waiting_.empty()) {
    if (const Callee* found = free_callee(registration, callees, random)) {
      use(*found);
      callee = *found;
      return Admission::start;
    }
  }
  if (waiting_.size() >= most_) return Admission::full;
  waiting_.push_back(caller);
  return Admission::queued;
}

bool CallQueue::take(const Callee& callee) {
  const std::scoped_lock lock(mutex_);
  if (closed_ || !is_free(callee)) return false;
  use(callee);
  return true;
}

bool CallQueue::next(const Registration& registration, const std::vector<Callee>& callees, base::Random& random,
                     SessionKey& caller, Callee& callee) {
  const std::scoped_lock lock(mutex_);
  if (waiting_.empty()) return false;
  const Callee* found = free_callee(registration, callees, random);
  if (found == nullptr) return false;
  use(*found);
  callee = *found;
  caller = waiting_.front();
  waiting_.pop_front();
  return true;
}

bool CallQueue::put_back(const SessionKey& caller) {
  const std::scoped_lock lock(mutex_);
  if (!closed_) waiting_.push_front(caller);
  return !closed_;
}

void CallQueue::release(Slots& slots) {
  const std::scoped_lock lock(mutex_);
  --slots.used;
}

void CallQueue::withdraw(const SessionKey& caller) {
  const std::scoped_lock lock(mutex_);
  const auto at = std::find(waiting_.rbegin(), waiting_.rend(), caller);
  if (at != waiting_.rend()) waiting_.erase(std::next(at).base());
}

std::deque<SessionKey> CallQueue::close() {
  const std::scoped_lock lock(mutex_);
  closed_ = true;
  return std::exchange(waiting_, {});
}

}  // namespace crosspoint::realm
