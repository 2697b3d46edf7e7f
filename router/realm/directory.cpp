#include "realm/directory.hpp"

#include <algorithm>

namespace crosspoint::realm {
namespace {

/// An id that every node finds for itself (FNV-1a, and the mixer of MurmurHash3 behind it); more than 2^32, so that the
/// serials below are none of these.
std::uint64_t shared_id(std::string_view uri, wamp::Match match) {
  std::uint64_t hash = 0xcbf29ce484222325 ^ static_cast<std::uint64_t>(match);
  for (const char each : uri) hash = (hash ^ static_cast<std::uint8_t>(each)) * 0x100000001b3;
  hash = (hash ^ hash >> 33) * 0xff51afd7ed558ccd;
  hash = (hash ^ hash >> 33) * 0xc4ceb9fe1a85ec53;
  hash ^= hash >> 33;
  static constexpr std::uint64_t kLeast = std::uint64_t{1} << 32;
  return kLeast + 1 + hash % (wamp::kMaxId - kLeast);
}

bool is_here(const Callee& callee) { return callee.key.shard != kOtherNode; }

}  // namespace

SubscriptionRef SubscriptionDirectory::make(std::string_view uri, wamp::Match match, std::string created) {
  auto subscription = std::make_shared<Subscription>();
  subscription->serial = ++last_serial_;
  subscription->id = shared_ids_ ? shared_id(uri, match) : subscription->serial;
  // One in 2^53, or by somebody's effort: other nodes are not told of such a subscription, and nothing else is amiss.
  if (by_id_.contains(subscription->id)) subscription->id = subscription->serial;
  subscription->uri = uri;
  subscription->match = match;
  subscription->meta_topics = meta_topics_of(uri, match);
  subscription->created = std::move(created);
  by_id_.emplace(subscription->id, subscription);
  index_.insert(uri, match, subscription);
  return subscription;
}

SubscriptionDirectory::Joined SubscriptionDirectory::join(std::string_view uri, wamp::Match match, unsigned shard,
                                                          const std::function<std::string()>& now,
                                                          const std::function<void(const Joined&)>& witness) {
  const std::unique_lock lock(mutex_);
  Joined joined;
  if (const SubscriptionRef* found = index_.find(uri, match)) {
    joined.subscription = *found;
  } else {
    joined.subscription = make(uri, match, now());
    joined.created = true;
  }
  joined.subscription->shards.fetch_or(std::uint64_t{1} << shard, std::memory_order_release);
  if (joined.created) versions_.changed(uri, match);
  witness(joined);
  return joined;
}

SubscriptionRef SubscriptionDirectory::add_logged(std::string_view uri, wamp::Match match, EventLog& log,
                                                  std::string created) {
  const std::unique_lock lock(mutex_);
  if (index_.find(uri, match) != nullptr) return nullptr;
  const auto subscription = make(uri, match, std::move(created));
  subscription->log = &log;
  versions_.changed(uri, match);
  return subscription;
}

bool SubscriptionDirectory::leave(const SubscriptionRef& subscription, unsigned shard,
                                  const std::function<void()>& witness) {
  const std::unique_lock lock(mutex_);
  const std::uint64_t bit = std::uint64_t{1} << shard;
  if ((subscription->shards.fetch_and(~bit, std::memory_order_acq_rel) & ~bit) != 0) return false;
  if (subscription->log != nullptr) return false;
  index_.erase(subscription->uri, subscription->match);
  by_id_.erase(subscription->id);
  versions_.changed(subscription->uri, subscription->match);
  witness();
  return true;
}

SubscriptionRef SubscriptionDirectory::confirm(wamp::SubscriptionId id, std::uint64_t serial, std::uint64_t& shards) {
  const std::unique_lock lock(mutex_);
  const auto at = by_id_.find(id);
  if (at == by_id_.end() || at->second->serial != serial) return nullptr;
  at->second->ready = true;
  shards = at->second->shards.load(std::memory_order_acquire);
  return at->second;
}

SubscriptionRef SubscriptionDirectory::get(wamp::SubscriptionId id) const {
  const std::shared_lock lock(mutex_);
  const auto at = by_id_.find(id);
  return at != by_id_.end() ? at->second : nullptr;
}

SubscriptionRef SubscriptionDirectory::find(std::string_view uri, wamp::Match match) const {
  const std::shared_lock lock(mutex_);
  const SubscriptionRef* found = index_.find(uri, match);
  return found != nullptr ? *found : nullptr;
}

std::vector<SubscriptionRef> SubscriptionDirectory::list() const {
  std::vector<SubscriptionRef> all;
  {
    const std::shared_lock lock(mutex_);
    for (const auto& entry : by_id_) all.push_back(entry.second);
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a->id < b->id; });
  return all;
}

void SubscriptionDirectory::match(std::string_view topic, std::vector<SubscriptionRef>& out) const {
  out.clear();
  const std::shared_lock lock(mutex_);
  index_.each_match(topic, [&out](const SubscriptionRef& subscription) { out.push_back(subscription); });
}

RegistrationRef RegistrationDirectory::make(std::string_view uri, wamp::Match match, wamp::InvocationPolicy invoke,
                                            std::string created) {
  auto registration = std::make_shared<Registration>();
  const wamp::RegistrationId serial = ++last_serial_;
  registration->id = shared_ids_ ? shared_id(uri, match) : serial;
  if (by_id_.contains(registration->id)) registration->id = serial;  // as above
  registration->uri = uri;
  registration->match = match;
  registration->invoke = invoke;
  registration->created = std::move(created);
  by_id_.emplace(registration->id, registration);
  index_.insert(uri, match, registration);
  return registration;
}

RegistrationDirectory::Added RegistrationDirectory::add(std::string_view uri, wamp::Match match,
                                                        wamp::InvocationPolicy invoke, const Callee& callee,
                                                        const std::function<std::string()>& now,
                                                        const std::function<void(const Added&)>& witness) {
  const std::unique_lock lock(mutex_);
  Added added;
  if (const RegistrationRef* found = index_.find(uri, match)) {
    added.registration = *found;
    Registration& registration = **found;
    if (registration.invoke == wamp::InvocationPolicy::single) {
      added.outcome = Outcome::already_exists;
      return added;
    }
    if (registration.invoke != invoke) {
      added.outcome = Outcome::policy_conflict;
      return added;
    }
    const auto& callees = *registration.callees;
    const auto same = [&](const Callee& other) { return other.key == callee.key; };
    if (std::any_of(callees.begin(), callees.end(), same)) return added;
  } else {
    added.registration = make(uri, match, invoke, now());
    added.created = true;
  }
  Registration& registration = *added.registration;
  auto callees = registration.callees ? std::make_shared<std::vector<Callee>>(*registration.callees)
                                      : std::make_shared<std::vector<Callee>>();
  added.first_here = callee.key.shard != kOtherNode && std::none_of(callees->begin(), callees->end(), is_here);
  const auto later = [&](const Callee& other) { return callee.order != 0 && other.order > callee.order; };
  callees->insert(std::find_if(callees->begin(), callees->end(), later), callee);
  registration.callees = std::move(callees);
  if (callee.slots) registration.queue.limit(callee.slots->most_queued);
  versions_.changed(uri, match);
  added.new_callee = true;
  witness(added);
  return added;
}

RegistrationView RegistrationDirectory::take(std::string_view uri, wamp::Match match,
                                             const std::function<void(const RegistrationView&)>& witness) {
  const std::unique_lock lock(mutex_);
  const RegistrationRef* found = index_.find(uri, match);
  if (found == nullptr) return {};
  const RegistrationRef registration = *found;
  RegistrationView taken{registration, registration->callees};
  registration->callees = std::make_shared<std::vector<Callee>>();
  index_.erase(uri, match);
  by_id_.erase(registration->id);
  versions_.changed(uri, match);
  witness(taken);
  return taken;
}

RegistrationDirectory::Removal RegistrationDirectory::remove(const RegistrationRef& registration,
                                                             const SessionKey& callee,
                                                             const std::function<void(Removal)>& witness) {
  const std::unique_lock lock(mutex_);
  auto callees = std::make_shared<std::vector<Callee>>(*registration->callees);
  if (std::erase_if(*callees, [&](const Callee& other) { return other.key == callee; }) == 0) return Removal::none;
  const bool gone = callees->empty();
  const bool last_here = callee.shard != kOtherNode && std::none_of(callees->begin(), callees->end(), is_here);
  registration->callees = std::move(callees);
  if (gone) {
    index_.erase(registration->uri, registration->match);
    by_id_.erase(registration->id);
  }
  versions_.changed(registration->uri, registration->match);
  const Removal removal = gone ? Removal::last : last_here ? Removal::last_here : Removal::one;
  witness(removal);
  return removal;
}

RegistrationView RegistrationDirectory::best_match(std::string_view procedure) const {
  const std::shared_lock lock(mutex_);
  const RegistrationRef* found = index_.best_match(procedure);
  if (found == nullptr) return {};
  return {*found, (*found)->callees};
}

RegistrationView RegistrationDirectory::get(wamp::RegistrationId id) const {
  const std::shared_lock lock(mutex_);
  const auto at = by_id_.find(id);
  if (at == by_id_.end()) return {};
  return {at->second, at->second->callees};
}

RegistrationView RegistrationDirectory::get(const Registration& registration) const {
  RegistrationView view = get(registration.id);
  return view.registration.get() == &registration ? view : RegistrationView();
}

RegistrationView RegistrationDirectory::find(std::string_view uri, wamp::Match match) const {
  const std::shared_lock lock(mutex_);
  const RegistrationRef* found = index_.find(uri, match);
  if (found == nullptr) return {};
  return {*found, (*found)->callees};
}

std::vector<RegistrationView> RegistrationDirectory::list() const {
  std::vector<RegistrationView> all;
  {
    const std::shared_lock lock(mutex_);
    for (const auto& entry : by_id_) all.push_back({entry.second, entry.second->callees});
  }
  std::sort(all.begin(), all.end(),
            [](const auto& a, const auto& b) { return a.registration->id < b.registration->id; });
  return all;
}

bool SessionDirectory::add(wamp::SessionId id, Entry entry) {
  const std::unique_lock lock(mutex_);
  return sessions_.emplace(id, std::move(entry)).second;
}

SessionDirectory::Entry SessionDirectory::find(wamp::SessionId id) const {
  const std::shared_lock lock(mutex_);
  const auto at = sessions_.find(id);
  return at != sessions_.end() ? at->second : Entry();
}

std::vector<SessionDirectory::Entry> SessionDirectory::list() const {
  std::vector<Entry> all;
  {
    const std::shared_lock lock(mutex_);
    for (const auto& entry : sessions_) all.push_back(entry.second);
  }
  std::sort(all.begin(), all.end(),
            [](const auto& a, const auto& b) { return a.identity->session < b.identity->session; });
  return all;
}

void SessionDirectory::remove(wamp::SessionId id) {
  const std::unique_lock lock(mutex_);
  sessions_.erase(id);
}

std::size_t SessionDirectory::size() const {
  const std::shared_lock lock(mutex_);
  return sessions_.size();
}

}  // namespace crosspoint::realm
