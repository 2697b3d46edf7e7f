#include "realm/dealer.hpp"

#include <fmt/core.h>

#include <algorithm>

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
  std::shared_ptr<Slots> slots;
  if (const auto limit = message.options.concurrency; limit > 0) {
    slots = std::make_shared<Slots>(Slots{limit, most_queued(uri)});
  }
  const auto added = context_.directory.registrations.add(
      uri, message.options.match, message.options.invoke,
      {session.key, session.id, message.options.forward_timeout, session.announced.call_reroute, session.make_intake(),
       std::move(slots)},
      context_.options.timestamp, [&](const RegistrationDirectory::Added& now) {
        const Registration& registration = *now.registration;
        if (now.created) {
          context_.report(MetaTopic::registration_on_create, session.id, registration);
        }
        context_.report(MetaTopic::registration_on_register, session.id, registration);
      });
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
  session.registrations.emplace(added.registration->id, added.registration);
  out.send(session, wamp::Registered{message.request, added.registration->id});
  give_turns(added.registration, out);
}

void Dealer::unregister(Session& session, const wamp::Unregister& message, Outbox& out) {
  const auto at = session.registrations.find(message.registration);
  if (at == session.registrations.end()) {
    return refuse(out, session, wamp::MessageType::unregister, message.request, wamp::kNoSuchRegistration, "");
  }
  const RegistrationRef registration = at->second;
  session.registrations.erase(at);
  out.send(session, wamp::Unregistered{message.request});
  remove(registration, session.key, session.id, out);
}

bool Dealer::remove(const RegistrationRef& registration, const SessionKey& callee, wamp::SessionId session,
                    Outbox& out) {
  using Removal = RegistrationDirectory::Removal;
  const auto removal = context_.directory.registrations.remove(registration, callee, [&](Removal now) {
    context_.report(MetaTopic::registration_on_unregister, session, *registration);
    if (now == Removal::last) context_.report(MetaTopic::registration_on_delete, session, *registration);
  });
  if (removal == Removal::none) return false;  // it was taken away, and reported then
  if (removal == Removal::last) {
    close_queue(registration, out);
  } else {
    give_turns(registration, out);  // the policy may have another callee now
  }
  return true;
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
    tell({callee.key, taken.registration->id, std::string(wamp::kUnregistered)}, out);
  }
}

bool Dealer::remove_callee(const std::shared_ptr<const Registration>& registration, const SessionKey& callee,
                           wamp::SessionId session, std::string_view reason, Outbox& out) {
  if (!remove(std::const_pointer_cast<Registration>(registration), callee, session, out)) return false;
  tell({callee, registration->id, std::string(reason)}, out);
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
