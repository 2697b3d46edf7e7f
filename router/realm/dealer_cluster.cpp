#include <algorithm>

#include "base/timestamp.hpp"
#include "realm/cluster_port.hpp"
#include "realm/dealer.hpp"
#include "wamp/errors.hpp"

/// What a dealer has to do with the dealers of other nodes: registrations that count for all of them, and their calls.
namespace crosspoint::realm {
namespace {

constexpr const char* kLeft = "the callee left before the call reached it";

}  // namespace

std::string time_of_claim(std::uint64_t order) {
  std::string time = base::to_rfc3339(static_cast<std::int64_t>(order));
  constexpr std::size_t kMicroseconds = 3;  // digits, and the Z behind them
  time.erase(time.size() - kMicroseconds - 1, kMicroseconds);
  return time;
}

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
  if (at == claims_.end() || !at->second.wanted) return;
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
  context_.reports.insert(context_.reports.end(), revoked.reports.begin(), revoked.reports.end());
  const auto at = claims_.find(revoked.claim);
  if (at == claims_.end() || at->second.wanted) return;  // not made yet
  const SessionKey callee = at->second.session;
  Session* session = sessions_.find(callee);
  if (session == nullptr) return void(claims_.erase(at));
  const auto found = session->registrations.find(at->second.registration);
  if (found == session->registrations.end()) return void(claims_.erase(at));  // it has given it up meanwhile
  const RegistrationRef registration = found->second;
  if (claim_of(registration->id, callee) == revoked.claim) {
    remove_callee(registration, callee, session->id, revoked.reason, out);
    return;
  }
  if (!context_.directory.registrations.get(*registration).registration) {
    close_queue(registration, out);
  } else {
    callee_left(registration, callee, out);
  }
  deliver(RemoteRevocation{callee, registration->id, revoked.reason, revoked.claim}, out);
}

void Dealer::catch_up(const CatchUp& what) {
  catch_ups_.emplace(++last_catch_up_, what);
  context_.directory.cluster->catch_up(context_.shard, last_catch_up_);
}

void Dealer::deliver(const CaughtUp& caught_up, Outbox& out) {
  const auto at = catch_ups_.find(caught_up.number);
  if (at == catch_ups_.end()) return;
  const CatchUp what = at->second;
  catch_ups_.erase(at);
  if (!what.unregistered) return out.resume(what.session, what.request);
  if (Session* session = sessions_.find(what.session)) out.send(*session, wamp::Unregistered{what.request});
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
  if (session == nullptr) return wamp::kNoSuchProcedure;
  const auto entry = session->registrations.find(at->second.registration);
  if (entry == session->registrations.end()) return wamp::kNoSuchProcedure;
  found = call;
  found.callee = session->key;
  found.registration = at->second.registration;
  if (call.continues || !entry->second->queue.limited()) return {};
  const RegistrationView view = context_.directory.registrations.get(found.registration);
  if (!view.registration) return wamp::kNoSuchProcedure;
  const auto callee = std::find_if(view.callees->begin(), view.callees->end(),
                                   [&](const Callee& other) { return other.key == found.callee; });
  if (callee == view.callees->end()) return wamp::kNoSuchProcedure;
  if (!callee->slots) return {};
  found.slot = {view.registration, callee->slots};
  return {};
}

void Dealer::start_limited(const RemoteCall& call, Outbox& out) {
  const auto& [registration, slots] = call.slot;
  const auto refuse = [&](std::string_view error, const char* why) {
    fail(call.caller, call.request, error, {}, wamp::Payload::from_text(why), out);
  };
  Callee callee;
  callee.key = call.callee;
  callee.slots = slots;
  // Further pieces of a call that waits would have to be kept as well.
  switch (registration->queue.admit(callee, call.handle, !call.progress)) {
    case CallQueue::Admission::start:
      return start_invocation(call, out);
    case CallQueue::Admission::closed:
      return refuse(wamp::kCanceled, kLeft);
    case CallQueue::Admission::full:
      return refuse(wamp::kMaxConcurrencyReached, "the callee is as busy as it allows, and no more calls can wait");
    case CallQueue::Admission::queued:
      break;
  }
  WaitingCall waiting{call, 0};
  waiting.call.payload = call.payload.kept();
  if (call.timeout != 0) {
    waiting.timer = ++last_timer_;
    out.timer({waiting.timer, call.timeout, {context_.shard, 0, 0}, call.handle});
  }
  waiting_calls_.insert_or_assign(call.handle, std::move(waiting));
  // The callee may have left or become free since it was looked up.
  const RegistrationView view = context_.directory.registrations.get(*registration);
  const bool there = view.registration && std::any_of(view.callees->begin(), view.callees->end(),
                                                      [&](const Callee& other) { return other.key == call.callee; });
  if (!there) {
    callee_left(registration, call.callee, out);
  } else {
    give_turns(registration, out);
  }
}

void Dealer::start_waiting(const RemoteTurn& turn, Outbox& out) {
  const bool has_callee = turn.callee.key.generation != 0;
  RemoteCall call;
  if (!take_waiting(turn.waiter.handle, call, out)) {  // canceled
    if (has_callee && turn.callee.slots) turn.registration->queue.release(*turn.callee.slots);
    return give_turns(turn.registration, out);
  }
  const Session* callee = has_callee ? sessions_.find(call.callee) : nullptr;
  const auto serves = [&] {
    const auto entry = callee->registrations.find(call.registration);
    return entry != callee->registrations.end() && entry->second == turn.registration;
  };
  if (callee == nullptr || !serves()) {
    return fail(call.caller, call.request, wamp::kCanceled, {}, wamp::Payload::from_text(kLeft), out);
  }
  call.slot.slots = turn.callee.slots;
  const auto kept = std::make_shared<const RemoteCall>(std::move(call));
  out.keep(kept);  // what is sent refers to it
  start_invocation(*kept, out);
}

bool Dealer::take_waiting(std::uint64_t handle, RemoteCall& call, Outbox& out) {
  const auto at = waiting_calls_.find(handle);
  if (at == waiting_calls_.end()) return false;
  if (at->second.timer != 0) out.timer({at->second.timer, 0, {context_.shard, 0, 0}, handle});
  call = std::move(at.value().call);
  waiting_calls_.erase(at);
  return true;
}

void Dealer::end_waiting(std::uint64_t handle, std::string_view error, std::string_view text, Outbox& out) {
  RemoteCall call;
  if (!take_waiting(handle, call, out)) return;
  call.slot.registration->queue.withdraw(handle);
  fail(call.caller, call.request, error, {}, wamp::Payload::from_text(text), out);
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
