#include <algorithm>

#include "realm/cluster_port.hpp"
#include "realm/dealer.hpp"
#include "wamp/errors.hpp"

/// What a dealer has to do with the dealers of other nodes: registrations that count for all of them, and their calls.
namespace crosspoint::realm {

Dealer::Wanted Dealer::wanted(const wamp::Register& message) {
  const wamp::RegisterOptions& options = message.options;
  return {message.request, std::string(message.procedure), options.match,
          options.invoke,  options.forward_timeout,        options.concurrency};
}

bool Dealer::claim(Session& session, const wamp::Register& message) {
  const std::string_view uri = message.procedure;
  if (session.internal || !crosses_nodes(uri)) return false;
  const RegistrationView view = context_.directory.registrations.find(uri, message.options.match);
  const auto is_it = [&](const Callee& callee) { return callee.key == session.key; };
  if (!message.options.force_reregister && view.registration &&
      std::any_of(view.callees->begin(), view.callees->end(), is_it)) {
    return false;  // nothing changes
  }
  Claim claim;
  claim.number = ++last_claim_ << Claim::kShardBits | context_.shard;
  claim.uri = uri;
  claim.match = message.options.match;
  claim.invoke = message.options.invoke;
  claim.session = session.id;
  claim.force = message.options.force_reregister;
  claim.forward_timeout = message.options.forward_timeout;
  claim.reroutes = session.announced.call_reroute;
  claims_.emplace(claim.number, OwnClaim{session.key, 0, std::make_unique<const Wanted>(wanted(message))});
  context_.directory.cluster->claim(std::move(claim));
  return true;
}

void Dealer::deliver(const ClaimDecided& decided, Outbox& out) {
  using Outcome = ClaimDecided::Outcome;
  const auto at = claims_.find(decided.claim);
  if (at == claims_.end()) return;
  const std::unique_ptr<const Wanted> wanted = std::move(at.value().wanted);
  Session* session = sessions_.find(at->second.session);
  if (session != nullptr && decided.outcome == Outcome::accepted) {
    const auto id = add_callee(*session, *wanted, decided.claim, decided.order, out);
    if (id != 0 && claim_of(id, session->key) == decided.claim) {
      at.value().registration = id;
      return;
    }
    // It is not to be had on this node, or the session has it twice.
  }
  if (decided.outcome == Outcome::accepted) context_.directory.cluster->release(decided.claim);
  claims_.erase(at);
  if (session == nullptr || decided.outcome == Outcome::accepted) return;
  if (decided.outcome == Outcome::unavailable) {
    return refuse_register(*session, wanted->request, wamp::kUnavailable,
                           "the registration could not be agreed on with the other nodes of the cluster", out);
  }
  refuse_conflict(*session, *wanted, decided.outcome == Outcome::already_exists, decided.existing, out);
}

void Dealer::deliver(const ClaimRevoked& revoked, Outbox& out) {
  const auto at = claims_.find(revoked.claim);
  if (at == claims_.end()) return;
  const SessionKey callee = at->second.session;
  Session* session = sessions_.find(callee);
  if (session == nullptr) return;
  const auto found = session->registrations.find(at->second.registration);
  if (found == session->registrations.end()) return;
  const RegistrationRef registration = found->second;
  if (claim_of(registration->id, callee) == revoked.claim) {
    remove_callee(registration, callee, session->id, revoked.reason, out);
    return;
  }
  context_.report(MetaTopic::registration_on_unregister, session->id, *registration);
  const bool last = !context_.directory.registrations.get(registration->id).registration;
  if (last) {
    context_.report(MetaTopic::registration_on_delete, session->id, *registration);
    close_queue(registration, out);
  } else {
    give_turns(registration, out);
  }
  deliver(RemoteRevocation{callee, registration->id, revoked.reason, revoked.claim}, out);
}

const Callee& Dealer::pick_random(const std::vector<Callee>& callees) {
  const auto is_near = [](const Callee& callee) { return callee.key.shard != kOtherNode; };
  const auto near = static_cast<std::size_t>(std::count_if(callees.begin(), callees.end(), is_near));
  if (near == 0 || near == callees.size()) return callees[context_.random.below(callees.size())];
  auto left = context_.random.below(near);
  return *std::find_if(callees.begin(), callees.end(),
                       [&](const Callee& callee) { return is_near(callee) && left-- == 0; });
}

std::string_view Dealer::find_callee(const RemoteCall& call, RemoteCall& found) {
  const auto at = claims_.find(call.claim);
  const Session* session = at != claims_.end() ? sessions_.find(at->second.session) : nullptr;
  if (session == nullptr) return wamp::kCanceled;
  const auto entry = session->registrations.find(at->second.registration);
  if (entry == session->registrations.end()) return wamp::kCanceled;
  found = call;
  found.callee = session->key;
  found.registration = at->second.registration;
  if (call.continues || !entry->second->queue.limited()) return {};
  const RegistrationView view = context_.directory.registrations.get(found.registration);
  if (!view.registration) return wamp::kCanceled;
  const auto callee = std::find_if(view.callees->begin(), view.callees->end(),
                                   [&](const Callee& other) { return other.key == found.callee; });
  if (callee == view.callees->end()) return wamp::kCanceled;
  if (!callee->slots) return {};
  // The queue is for callers of this node: what others send would have to be kept here, however much they send.
  if (!entry->second->queue.take(*callee)) return wamp::kMaxConcurrencyReached;
  found.slot = {view.registration, callee->slots};
  return {};
}

std::uint64_t Dealer::claim_of(wamp::RegistrationId registration, const SessionKey& callee) const {
  const RegistrationView view = context_.directory.registrations.get(registration);
  if (!view.registration) return 0;
  const auto at = std::find_if(view.callees->begin(), view.callees->end(),
                               [&](const Callee& other) { return other.key == callee; });
  return at != view.callees->end() ? at->claim : 0;
}

void Dealer::release(std::uint64_t claim) {
  context_.directory.cluster->release(claim);
  if (Claim::shard_of(claim) == context_.shard) claims_.erase(claim);
}

}  // namespace crosspoint::realm
