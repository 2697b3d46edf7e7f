#include "cluster/rpc.hpp"

#include <algorithm>
#include <charconv>

#include "base/log.hpp"
#include "wamp/errors.hpp"

namespace crosspoint::cluster {

using Effect = Registry::Effect;

bool Rpc::find_realm(std::string_view name, std::size_t& realm, unsigned& shards) const {
  const auto at =
      std::find_if(realms_.begin(), realms_.end(), [&](const auto* other) { return other->name() == name; });
  if (at == realms_.end()) return false;
  realm = static_cast<std::size_t>(at - realms_.begin());
  shards = (*at)->shard_count();
  return true;
}

void Rpc::apply(const Registry::Change& change) {
  std::size_t realm = 0;
  unsigned shards = 0;
  if (!find_realm(change.entry.realm, realm, shards)) return;  // it is another node's alone
  if (change.entry.owner == address_) return apply_own(change, realm);
  if (change.effect == Effect::added) {
    enter(change.entry, realm);
  } else if (change.effect == Effect::removed || change.effect == Effect::displaced) {
    strike(change.entry);
  }
}

void Rpc::apply_own(const Registry::Change& change, std::size_t realm) {
  using Outcome = realm::ClaimDecided::Outcome;
  const realm::Claim& claim = change.entry.claim;
  const unsigned shard = realm::Claim::shard_of(claim.number);
  const auto decide = [&](Outcome outcome) {
    wire_.deliver(realm, shard, realm::ClaimDecided{claim.number, outcome, change.entry.order, change.existing});
  };
  switch (change.effect) {
    case Effect::added:
      own_.insert_or_assign(claim.number, std::pair(realm, change.entry));
      return decide(Outcome::accepted);
    case Effect::exists:
      return decide(Outcome::already_exists);
    case Effect::other_policy:
      return decide(Outcome::policy_conflict);
    case Effect::lost:
      return decide(Outcome::unavailable);
    case Effect::removed:
      own_.erase(claim.number);
      return;
    case Effect::displaced:
      break;
  }
  own_.erase(claim.number);
  log::info("Cluster: session {} loses its registration of {}: another one has taken its place", claim.session,
            claim.uri);
  // At once: what comes next may need the place.
  realm::ClaimRevoked revoked{claim.number, std::string(wamp::kUnregistered)};
  realm::SessionKey key;
  const auto view = find_own(change.entry, realm, key);
  if (view.registration) {
    using Removal = realm::RegistrationDirectory::Removal;
    realm::Directory& directory = realms_[realm]->directory();
    // What follows may be another registration of the same id.
    const auto note = [&](realm::MetaTopic topic) {
      report(realms_[realm]->options(), directory, topic, claim.session, *view.registration, revoked.reports);
    };
    directory.registrations.remove(std::const_pointer_cast<realm::Registration>(view.registration), key,
                                   [&](Removal removal) {
                                     note(realm::MetaTopic::registration_on_unregister);
                                     if (removal != Removal::one) note(realm::MetaTopic::registration_on_delete);
                                   });
  }
  wire_.deliver(realm, shard, std::move(revoked));
}

realm::RegistrationView Rpc::find_own(const Registry::Entry& entry, std::size_t realm, realm::SessionKey& key) const {
  const auto view = realms_[realm]->directory().registrations.find(entry.claim.uri, entry.claim.match);
  if (!view.registration) return {};
  const auto at = std::find_if(view.callees->begin(), view.callees->end(),
                               [&](const realm::Callee& callee) { return callee.claim == entry.claim.number; });
  if (at == view.callees->end()) return {};
  key = at->key;
  return view;
}

std::shared_ptr<realm::Intake> Rpc::find_intake(std::uint64_t claim) const {
  const auto at = own_.find(claim);
  if (at == own_.end()) return nullptr;
  const auto& [realm, entry] = at->second;
  const auto view = realms_[realm]->directory().registrations.find(entry.claim.uri, entry.claim.match);
  if (!view.registration) return nullptr;
  const auto found = std::find_if(view.callees->begin(), view.callees->end(),
                                  [&](const realm::Callee& callee) { return callee.claim == claim; });
  return found != view.callees->end() ? found->intake : nullptr;
}

void Rpc::enter(const Registry::Entry& entry, std::size_t realm) {
  if (!realm::crosses_nodes(entry.claim.uri)) return;
  const realm::Callee callee = calls_.add_callee(realm, entry.owner, entry.claim, entry.order);
  const auto added = realms_[realm]->directory().registrations.add(
      entry.claim.uri, entry.claim.match, entry.claim.invoke, callee,
      [&] { return entry.order != 0 ? realm::time_of_claim(entry.order) : realms_[realm]->options().timestamp(); });
  if (added.outcome != realm::RegistrationDirectory::Outcome::registered) {
    calls_.remove_callee(callee.key);
    log::warn("Cluster: {} of node {} cannot be called from here: this node has a procedure of its own under that URI",
              entry.claim.uri, entry.owner);
    return;
  }
  entered_.insert_or_assign(Place(entry.owner, entry.claim.number), Entered{realm, added.registration, callee.key});
}

void Rpc::strike(const Registry::Entry& entry) {
  const auto at = entered_.find({entry.owner, entry.claim.number});
  if (at == entered_.end()) return;
  const Entered& entered = at->second;
  realms_[entered.realm]->directory().registrations.remove(entered.registration, entered.key);
  calls_.remove_callee(entered.key);
  entered_.erase(at);
}

void Rpc::catch_up(std::size_t realm, unsigned shard, std::uint64_t number) {
  if (!registrations_.is_complete()) return wire_.deliver(realm, shard, realm::CaughtUp{number});
  catch_ups_.push_back({realm, shard, number});
  // It comes back behind all that Redis has had by then, of this node and of others.
  wire_.send_to(address_, kEcho, std::to_string(first_catch_up_ + catch_ups_.size() - 1));
}

bool Rpc::heard_own(std::string_view kind, std::string_view text) {
  if (kind != kEcho) return false;
  std::uint64_t place = 0;
  std::from_chars(text.data(), text.data() + text.size(), place);
  end_catch_ups(place);
  return true;
}

void Rpc::end_catch_ups(std::uint64_t until) {
  for (; !catch_ups_.empty() && first_catch_up_ <= until; ++first_catch_up_) {
    const CatchUp& first = catch_ups_.front();
    wire_.deliver(first.realm, first.shard, realm::CaughtUp{first.number});
    catch_ups_.pop_front();
  }
}

void Rpc::gone(std::string_view address, std::string_view why) {
  registrations_.gone(address);
  calls_.gone(address, why);
}

void Rpc::lost(std::string_view why, std::uint64_t now) {
  registrations_.disconnected(now);
  calls_.lost(why);
  end_catch_ups(first_catch_up_ + catch_ups_.size());
}

}  // namespace crosspoint::cluster
