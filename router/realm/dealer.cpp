#include "realm/dealer.hpp"

#include <fmt/core.h>

#include "realm/role.hpp"
#include "wamp/errors.hpp"

namespace crosspoint::realm {
void Dealer::refuse_register(Session& session, const wamp::Register& message, std::string_view error, std::string text,
                             Outbox& out) const {
  refuse(out, session, wamp::MessageType::register_, message.request, error, text);
}

void Dealer::register_(Session& session, const wamp::Register& message, Outbox& out) {
  const std::string_view uri = message.procedure;
  if (!wamp::is_valid_pattern(uri, message.options.match, context_.options.uri_check)) {
    return refuse_register(session, message, wamp::kInvalidUri,
                           fmt::format("register for invalid procedure URI '{}' (URI strict checking {})", uri,
                                       strict_text(context_.options.uri_check)),
                           out);
  }
  if (wamp::is_reserved(uri) && !session.role->trusted()) {
    return refuse_register(session, message, wamp::kInvalidUri,
                           fmt::format("register for restricted procedure URI '{}')", uri), out);
  }
  const auto permit = authorize(context_, session, uri, Action::register_, message.options.raw);
  if (permit.outcome == Authorization::Outcome::deferred) return;
  if (permit.outcome != Authorization::Outcome::allowed) {
    return refuse_unauthorized(out, context_, session, wamp::MessageType::register_, message.request, uri,
                               Action::register_, permit);
  }
  using Outcome = RegistrationDirectory::Outcome;
  if (message.options.force_reregister) revoke(uri, message.options.match, out);
  const auto added = context_.directory.registrations.add(
      uri, message.options.match, message.options.invoke,
      {session.key, session.id, message.options.forward_timeout, session.make_intake()}, context_.options.timestamp);
  if (added.outcome == Outcome::already_exists) {
    return refuse_register(session, message, wamp::kProcedureAlreadyExists,
                           fmt::format("register for already registered procedure '{}'", uri), out);
  }
  if (added.outcome == Outcome::policy_conflict) {
    return refuse_register(session, message, wamp::kInvocationPolicyConflict,
                           fmt::format("register for already registered procedure '{}' with conflicting invocation "
                                       "policy (has {} and {} was requested)",
                                       uri, to_string(added.registration->invoke), to_string(message.options.invoke)),
                           out);
  }
  const bool new_callee = session.registrations.emplace(added.registration->id, added.registration).second;
  out.send(session, wamp::Registered{message.request, added.registration->id});
  if (added.created) broker_.report({RegistrationEvent::created, session.id, added.registration}, out);
  if (new_callee) broker_.report({RegistrationEvent::registered, session.id, added.registration}, out);
}

void Dealer::unregister(Session& session, const wamp::Unregister& message, Outbox& out) {
  const auto at = session.registrations.find(message.registration);
  if (at == session.registrations.end()) {
    return refuse(out, session, wamp::MessageType::unregister, message.request, wamp::kNoSuchRegistration, "");
  }
  const RegistrationRef registration = at->second;
  const bool deleted = context_.directory.registrations.remove(registration, session.key);
  session.registrations.erase(at);
  out.send(session, wamp::Unregistered{message.request});
  report_removed(session.id, registration, deleted, out);
}

void Dealer::report_removed(wamp::SessionId session, const RegistrationRef& registration, bool deleted, Outbox& out) {
  broker_.report({RegistrationEvent::unregistered, session, registration}, out);
  if (deleted) broker_.report({RegistrationEvent::deleted, session, registration}, out);
}

void Dealer::revoke(std::string_view uri, wamp::Match match, Outbox& out) {
  const RegistrationView taken = context_.directory.registrations.take(uri, match);
  if (!taken.registration) return;
  const auto registration = std::const_pointer_cast<Registration>(taken.registration);
  for (const Callee& callee : *taken.callees) {
    report_removed(callee.session, registration, &callee == &taken.callees->back(), out);
    const RemoteRevocation revocation{callee.key, taken.registration->id, "wamp.error.unregistered"};
    if (callee.key.shard == context_.shard) {
      deliver(revocation, out);
    } else {
      out.post(callee.key.shard, revocation);
    }
  }
}

void Dealer::deliver(const RemoteRevocation& revocation, Outbox& out) {
  Session* callee = sessions_.find(revocation.callee);
  if (callee == nullptr || callee->registrations.erase(revocation.registration) == 0) return;
  if (!callee->announced.registration_revocation) return;
  out.send(*callee, wamp::Unregistered{0, revocation.registration, wamp::kUnregistered});
}

void Dealer::leave(Session& session, Outbox& out) {
  for (const auto& [id, registration] : session.registrations) {
    const bool deleted = context_.directory.registrations.remove(registration, session.key);
    report_removed(session.id, registration, deleted, out);
  }
  session.registrations.clear();
  for (const auto& [request, call] : session.calls) {
    if (call.callee == session.key) continue;  // it called itself: nothing may be sent to it any more
    abandon(call, wamp::CancelMode::killnowait, {}, out);
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
