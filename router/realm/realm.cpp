#include "realm/realm.hpp"

namespace crosspoint::realm {
namespace {

std::unique_ptr<const Role> make_role(std::string_view name, std::unique_ptr<const Authorizer> authorizer) {
  return std::make_unique<const Role>(std::string(name), std::move(authorizer));
}

}  // namespace

Realm::Realm(std::string name, RealmOptions options, unsigned shards, std::uint64_t seed)
    : name_(std::move(name)), options_(std::move(options)), directory_(shards) {
  roles_.emplace(kTrustedRole, make_role(kTrustedRole, make_fixed_authorizer({true, true})));
  roles_.emplace(kAnonymousRole, make_role(kAnonymousRole, make_fixed_authorizer({})));
  base::Random seeds(seed);
  for (unsigned index = 0; index < shards; ++index) {
    shards_.push_back(std::make_unique<Shard>(*this, index, base::Random(seeds.next())));
  }
}

bool Realm::add_role(std::string name, std::unique_ptr<const Authorizer> rules) {
  return add(make_role(name, std::move(rules)));
}

bool Realm::add_dynamic_role(std::string name, std::string authorizer, wamp::TrustLevel trustlevel) {
  return add(std::make_unique<const Role>(std::move(name), std::move(authorizer), trustlevel));
}

bool Realm::add(std::unique_ptr<const Role> role) {
  std::string name = role->name();
  if (name == kAnonymousRole) {  // the configured one takes the place of the one that may do nothing
    roles_.insert_or_assign(std::move(name), std::move(role));
    return true;
  }
  return roles_.emplace(std::move(name), std::move(role)).second;
}

EventLog* Realm::add_history(std::string_view uri, wamp::Match match, const EventLog::Limits& limits) {
  auto log = std::make_unique<EventLog>(limits);
  const auto subscription = directory_.subscriptions.add_logged(uri, match, *log, options_.timestamp());
  if (!subscription) return nullptr;
  directory_.meta_order.add_listener(subscription->meta_topics, kHistoryShard);
  directory_.keeps_history = true;
  logs_.push_back(std::move(log));
  return logs_.back().get();
}

void Realm::set_cluster(ClusterPort& cluster) {
  directory_.cluster = &cluster;
  directory_.subscriptions.share_ids();
  directory_.registrations.share_ids();
  directory_.meta_order.tell_other_nodes();
}

const Role* Realm::find_role(std::string_view name) const {
  const auto at = roles_.find(name);
  return at != roles_.end() ? at->second.get() : nullptr;
}

}  // namespace crosspoint::realm
