#include "realm/dealer.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "realm/cluster_port.hpp"
#include "realm/role.hpp"
#include "wamp/errors.hpp"

namespace crosspoint::realm {
void Dealer::refuse_register(Session& session, wamp::RequestId request, std::string_view error, std::string text,
                             Outbox& out) const {
  refuse(out, session, wamp::MessageType::register_, request, error, text);
}

void Dealer::register_(Session& session, const wamp::Register& message, Outbox& out) {
  const std::string_view uri = message.procedure;
  if (!wamp::is_valid_pattern(uri, message.options.match, context_.options.uri_check)) {
    return refuse_register(session, message.request, wamp::kInvalidUri,
                           fmt::format("register for invalid procedure URI '{}' (URI strict checking {})", uri,
                                       strict_text(context_.options.uri_check)),
                           out);
  }
  if (wamp::is_reserved(uri) && !session.role->trusted()) {
    return refuse_register(session, message.request, wamp::kInvalidUri,
                           fmt::format("register for restricted procedure URI '{}')", uri), out);
  }
  const auto permit = authorize(context_, session, uri, Action::register_, message.options.raw);
  if (permit.outcome == Authorization::Outcome::deferred) return;
  if (permit.outcome != Authorization::Outcome::allowed) {
    return refuse_unauthorized(out, context_, session, wamp::MessageType::register_, message.request, uri,
                               Action::register_, permit);
  }
  if (context_.directory.cluster != nullptr && claim(session, message)) return;
  if (message.options.force_reregister) revoke(uri, message.options.match, out);
  add_callee(session, wanted(message), 0, 0, out);
}

wamp::RegistrationId Dealer::add_callee(Session& session, const Wanted& wanted, std::uint64_t claim,
                                        std::uint64_t order, Outbox& out) {
  using Outcome = RegistrationDirectory::Outcome;
  std::shared_ptr<Slots> slots;
  if (wanted.concurrency > 0) {
    slots = std::make_shared<Slots>(Slots{wanted.concurrency, most_queued(wanted.uri)});
  }
  const auto added = context_.directory.registrations.add(
      wanted.uri, wanted.match, wanted.invoke,
      {session.key, session.id, wanted.forward_timeout, session.announced.call_reroute, session.make_intake(),
       std::move(slots), claim, order},
      [&] { return order != 0 ? time_of_claim(order) : context_.options.timestamp(); },
      [&](const RegistrationDirectory::Added& now) {
        const Registration& registration = *now.registration;
        if (now.first_here) context_.report(MetaTopic::registration_on_create, session.id, registration);
        context_.report(MetaTopic::registration_on_register, session.id, registration);
      });
  if (added.outcome != Outcome::registered) {
    refuse_conflict(session, wanted, added.outcome == Outcome::already_exists, added.registration->invoke, out);
    return 0;
  }
  session.registrations.insert_or_assign(added.registration->id, added.registration);
  out.send(session, wamp::Registered{wanted.request, added.registration->id});
  give_turns(added.registration, out);
  return added.registration->id;
}

void Dealer::refuse_conflict(Session& session, const Wanted& wanted, bool exists, wamp::InvocationPolicy existing,
                             Outbox& out) const {
  if (exists) {
    return refuse_register(session, wanted.request, wamp::kProcedureAlreadyExists,
                           fmt::format("register for already registered procedure '{}'", wanted.uri), out);
  }
  refuse_register(session, wanted.request, wamp::kInvocationPolicyConflict,
                  fmt::format("register for already registered procedure '{}' with conflicting invocation policy (has "
                              "{} and {} was requested)",
                              wanted.uri, to_string(existing), to_string(wanted.invoke)),
                  out);
}

void Dealer::unregister(Session& session, const wamp::Unregister& message, Outbox& out) {
  const auto at = session.registrations.find(message.registration);
  if (at == session.registrations.end()) {
    return refuse(out, session, wamp::MessageType::unregister, message.request, wamp::kNoSuchRegistration, "");
  }
  const RegistrationRef registration = at->second;
  session.registrations.erase(at);
  const bool everywhere = context_.directory.cluster != nullptr && claim_of(registration->id, session.key) != 0;
  if (!everywhere) out.send(session, wamp::Unregistered{message.request});
  remove(registration, session.key, session.id, out);
  if (everywhere) catch_up({session.key, message.request, true});
}

bool Dealer::remove(const RegistrationRef& registration, const SessionKey& callee, wamp::SessionId session,
                    Outbox& out) {
  using Removal = RegistrationDirectory::Removal;
  const std::uint64_t claim = context_.directory.cluster != nullptr ? claim_of(registration->id, callee) : 0;
  const auto removal = context_.directory.registrations.remove(registration, callee, [&](Removal now) {
    if (callee.shard == kOtherNode) return;  // its node tells of it
    context_.report(MetaTopic::registration_on_unregister, session, *registration);
    if (now != Removal::one) context_.report(MetaTopic::registration_on_delete, session, *registration);
  });
  if (removal != Removal::none && claim != 0) release(claim);
  if (context_.directory.registrations.get(*registration).registration) {
    callee_left(registration, callee, out);
  } else {
    close_queue(registration, out);
  }
  return removal != Removal::none;  // else it was taken away, and reported then
}

void Dealer::revoke(std::string_view uri, wamp::Match match, Outbox& out) {
  const auto witness = [&](const RegistrationView& view) {
    for (const Callee& callee : *view.callees) {
      context_.report(MetaTopic::registration_on_unregister, callee.session, *view.registration);
    }
    context_.report(MetaTopic::registration_on_delete, view.callees->back().session, *view.registration);
  };
  const RegistrationView taken = context_.directory.registrations.take(uri, match, witness);
  if (!taken.registration) return;
  close_queue(taken.registration, out);
  for (const Callee& callee : *taken.callees) {
    tell({callee.key, taken.registration->id, std::string(wamp::kUnregistered), callee.claim}, out);
  }
}

bool Dealer::remove_callee(const std::shared_ptr<const Registration>& registration, const SessionKey& callee,
                           wamp::SessionId session, std::string_view reason, Outbox& out) {
  const std::uint64_t claim = context_.directory.cluster != nullptr ? claim_of(registration->id, callee) : 0;
  if (!remove(std::const_pointer_cast<Registration>(registration), callee, session, out)) return false;
  tell({callee, registration->id, std::string(reason), claim}, out);
  return true;
}

void Dealer::tell(const RemoteRevocation& revocation, Outbox& out) {
  if (revocation.callee.shard != context_.shard) return out.post(revocation.callee.shard, revocation);
  deliver(revocation, out);
}

std::size_t Dealer::most_queued(std::string_view uri) const {
  for (const auto& queue : context_.options.call_queues) {
    if (wamp::matches(queue.uri, queue.match, uri)) return queue.limit;
  }
  return 0;
}

void Dealer::deliver(const RemoteRevocation& revocation, Outbox& out) {
  claims_.erase(revocation.claim);
  Session* callee = sessions_.find(revocation.callee);
  if (callee == nullptr) return;
  const RegistrationView view = context_.directory.registrations.get(revocation.registration);
  const auto is_it = [&](const Callee& other) { return other.key == callee->key; };
  if (view.registration && std::any_of(view.callees->begin(), view.callees->end(), is_it)) return;  // registered anew
  if (callee->registrations.erase(revocation.registration) == 0) return;
  if (!callee->announced.registration_revocation) return;
  reason_ = revocation.reason;  // what is sent refers to it
  out.send(*callee, wamp::Unregistered{0, revocation.registration, reason_});
}

void Dealer::leave(Session& session, Outbox& out) {
  while (!session.waiting.empty()) stop_waiting(session, session.waiting.back().request);
  for (const auto& [id, registration] : session.registrations) {
    remove(registration, session.key, session.id, out);
  }
  session.registrations.clear();
  for (auto at = session.calls.begin(); at != session.calls.end(); ++at) {
    if (at->second.timer != 0) out.timer({at->second.timer, 0, session.key, at->first});
    if (at->second.waiting) continue;
    if (at->second.callee == session.key) continue;  // it called itself: nothing may be sent to it any more
    abandon(session, at, wamp::CancelMode::killnowait, {}, out);
  }
  session.calls.clear();
  if (session.intake) session.intake->close();
  const auto unanswered = std::move(session.invocations);
  session.invocations.clear();
  for (const auto& [invocation, pending] : unanswered) {
    if (pending.handle != 0) remote_calls_.erase(pending.handle);
    if (pending.caller == session.key) continue;  // likewise
    fail(pending.caller, pending.request, wamp::kCanceled, {},
         wamp::Payload::from_text("callee disconnected from in-flight request"), out);
  }
}

}  // namespace crosspoint::realm
