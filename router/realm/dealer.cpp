#include "realm/dealer.hpp"

#include <fmt/core.h>

#include "realm/role.hpp"
#include "wamp/errors.hpp"

namespace crosspoint::realm {
namespace {

wamp::ResultDetails result_details(const Identity& callee) { return {callee.session, callee.authid, callee.authrole}; }

}  // namespace

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
  const auto added = context_.directory.registrations.add(uri, message.options.match, message.options.invoke,
                                                          {session.key, session.id});
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
}

void Dealer::unregister(Session& session, const wamp::Unregister& message, Outbox& out) {
  const auto at = session.registrations.find(message.registration);
  if (at == session.registrations.end()) {
    return refuse(out, session, wamp::MessageType::unregister, message.request, wamp::kNoSuchRegistration, "");
  }
  context_.directory.registrations.remove(at->second, session.key);
  session.registrations.erase(at);
  out.send(session, wamp::Unregistered{message.request});
}

const Dealer::Match* Dealer::match(std::string_view procedure) {
  const std::uint64_t version = context_.directory.registrations.version(procedure);
  Match* known = cache_.find(procedure);
  if (known != nullptr && known->version == version) return known;
  if (known == nullptr) {
    if (!wamp::is_valid_uri(procedure, context_.options.uri_check)) return nullptr;
    known = cache_.insert(procedure, {});
    if (known == nullptr) known = &uncached_;
  }
  known->view = context_.directory.registrations.best_match(procedure);
  known->version = version;  // read before the look-up: a change in between makes it stale at once
  return known;
}

const Callee& Dealer::pick(const RegistrationView& view) {
  const auto& callees = *view.callees;
  switch (view.registration->invoke) {
    case wamp::InvocationPolicy::last:
      return callees.back();
    case wamp::InvocationPolicy::roundrobin:
      return callees[view.registration->turn.fetch_add(1, std::memory_order_relaxed) % callees.size()];
    case wamp::InvocationPolicy::random:
      return callees[context_.random.below(callees.size())];
    default:
      return callees.front();
  }
}

void Dealer::call(Session& session, const wamp::Call& message, Outbox& out) {
  const auto refused = [&](std::string_view error, std::string_view text) {
    refuse(out, session, wamp::MessageType::call, message.request, error, text);
  };
  const Match* found = match(message.procedure);
  if (found == nullptr) {
    return refused(wamp::kInvalidUri, fmt::format("call with invalid procedure URI '{}' (URI strict checking {})",
                                                  message.procedure, strict_text(context_.options.uri_check)));
  }
  // Permission comes before existence, so that nobody finds out what there is by asking.
  const auto permit = authorize(context_, session, message.procedure, Action::call, message.options.raw);
  if (permit.outcome == Authorization::Outcome::deferred) return;
  if (permit.outcome != Authorization::Outcome::allowed) {
    return refuse_unauthorized(out, context_, session, wamp::MessageType::call, message.request, message.procedure,
                               Action::call, permit);
  }
  if (meta_.call(session, message, out)) return;
  const RegistrationView& view = found->view;
  if (!view.registration || view.callees->empty()) {
    return refused(wamp::kNoSuchProcedure, fmt::format("no callee registered for procedure <{}>", message.procedure));
  }
  const Callee& callee = pick(view);
  const bool disclose = discloses(session, message.procedure, permit);
  const bool pattern = view.registration->match != wamp::Match::exact;
  const std::string_view procedure = pattern ? message.procedure : std::string_view();
  if (callee.key.shard != context_.shard) {
    out.post(callee.key.shard,
             RemoteCall{session.key, message.request, callee.key, view.registration->id, std::string(procedure),
                        disclose ? session.identity : nullptr, message.payload.kept()});
    return;
  }
  // The directory is written before UNREGISTERED is sent and before a session ends, so a callee of this shard is here.
  Session* target = sessions_.find(callee.key);
  if (target == nullptr) {
    return refused(wamp::kNoSuchProcedure, fmt::format("no callee registered for procedure <{}>", message.procedure));
  }
  invoke(*target, session.key, message.request, view.registration->id, disclose ? session.identity.get() : nullptr,
         procedure, message.payload, out);
}

void Dealer::invoke(Session& callee, const SessionKey& caller, wamp::RequestId request,
                    wamp::RegistrationId registration, const Identity* disclosed, std::string_view procedure,
                    const wamp::Payload& payload, Outbox& out) {
  const wamp::RequestId invocation = ++callee.last_invocation;
  callee.invocations.emplace(invocation, PendingInvocation{caller, request});
  wamp::Invocation message;
  message.request = invocation;
  message.registration = registration;
  if (disclosed != nullptr) {
    message.details.caller = disclosed->session;
    message.details.caller_authid = disclosed->authid;
    message.details.caller_authrole = disclosed->authrole;
  }
  message.details.procedure = procedure;
  message.payload = payload;
  out.send(callee, std::move(message));
}

void Dealer::deliver(const RemoteCall& call, Outbox& out) {
  Session* callee = sessions_.find(call.callee);
  if (callee == nullptr || !callee->registrations.contains(call.registration)) {
    // It was a callee when the call was routed to it. Routing the call anew could let it overtake, or be overtaken by,
    // others of the same caller to the same callee.
    return fail(call.caller, call.request, wamp::kCanceled, {},
                wamp::Payload::from_text("the callee left before the call reached it"), out);
  }
  invoke(*callee, call.caller, call.request, call.registration, call.disclosed.get(), call.procedure, call.payload,
         out);
}

bool Dealer::take_pending(Session& session, wamp::RequestId invocation, PendingInvocation& out) {
  const auto at = session.invocations.find(invocation);
  if (at == session.invocations.end()) return false;
  out = at->second;
  session.invocations.erase(at);
  return true;
}

bool Dealer::yield(Session& session, const wamp::Yield& message, Outbox& out) {
  PendingInvocation pending;
  if (!take_pending(session, message.request, pending)) return message.request <= session.last_invocation;
  if (pending.caller.shard != context_.shard) {
    out.post(pending.caller.shard,
             RemoteResult{pending.caller, pending.request, session.identity, message.payload.kept()});
    return true;
  }
  Session* caller = sessions_.find(pending.caller);
  if (caller == nullptr) return true;  // it left while the call was under way
  out.send(*caller, wamp::Result{pending.request, result_details(*session.identity), message.payload});
  return true;
}

bool Dealer::invocation_error(Session& session, const wamp::Error& message, Outbox& out) {
  PendingInvocation pending;
  if (!take_pending(session, message.request, pending)) return message.request <= session.last_invocation;
  fail(pending.caller, pending.request, message.error, message.details, message.payload, out);
  return true;
}

void Dealer::fail(const SessionKey& caller, wamp::RequestId request, std::string_view error, const wamp::Dict& details,
                  const wamp::Payload& payload, Outbox& out) {
  if (caller.shard != context_.shard) {
    out.post(caller.shard, RemoteError{caller, request, std::string(error), details.kept(), payload.kept()});
    return;
  }
  Session* session = sessions_.find(caller);
  if (session == nullptr) return;
  out.send(*session, wamp::Error{wamp::MessageType::call, request, details, error, payload});
}

void Dealer::deliver(const RemoteResult& result, Outbox& out) {
  Session* caller = sessions_.find(result.caller);
  if (caller == nullptr) return;
  out.send(*caller, wamp::Result{result.request, result_details(*result.callee), result.payload});
}

void Dealer::deliver(const RemoteError& error, Outbox& out) {
  fail(error.caller, error.request, error.error, error.details, error.payload, out);
}

void Dealer::invocation_undelivered(Session& callee, wamp::RequestId invocation, std::string_view error,
                                    std::string_view text, Outbox& out) {
  PendingInvocation pending;
  if (!take_pending(callee, invocation, pending)) return;
  fail(pending.caller, pending.request, error, {}, wamp::Payload::from_text(text), out);
}

void Dealer::leave(Session& session, Outbox& out) {
  for (const auto& [id, registration] : session.registrations) {
    context_.directory.registrations.remove(registration, session.key);
  }
  session.registrations.clear();
  const auto unanswered = std::move(session.invocations);
  session.invocations.clear();
  for (const auto& [invocation, pending] : unanswered) {
    if (pending.caller == session.key) continue;  // it called itself, and nothing may be sent to it any more
    fail(pending.caller, pending.request, wamp::kCanceled, {},
         wamp::Payload::from_text("callee disconnected from in-flight request"), out);
  }
}

}  // namespace crosspoint::realm
