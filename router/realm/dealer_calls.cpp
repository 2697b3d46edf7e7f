#include <fmt/core.h>

#include "realm/cluster_port.hpp"
#include "realm/dealer.hpp"
#include "realm/role.hpp"
#include "wamp/errors.hpp"

namespace crosspoint::realm {
namespace {

/// Handles tell calls to other shards apart: the shard that made them is in the low bits.
constexpr unsigned kShardBits = Claim::kShardBits;

wamp::ResultDetails result_details(const Identity& callee, bool progress, const wamp::PassthruRef& passthru) {
  return {callee.session, callee.authid, callee.authrole, progress, passthru};
}

}  // namespace

const Dealer::Match* Dealer::match(std::string_view procedure) {
  const std::uint64_t version = context_.directory.registrations.version(procedure);
  Match* known = cache_.find(procedure);
  if (known != nullptr && known->version == version) return known;
  if (known == nullptr) {
    if (!wamp::is_valid_uri(procedure, context_.options.uri_check)) return nullptr;
    known = cache_.admit(procedure, {});
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
      return pick_random(callees);
    default:
      return callees.front();
  }
}

bool Dealer::call(Session& session, const wamp::Call& message, Outbox& out) {
  if (const auto at = session.calls.find(message.request); at != session.calls.end()) {
    return continue_call(session, at.value(), message, out);
  }
  const auto refused = [&](std::string_view error, std::string_view text) {
    refuse(out, session, wamp::MessageType::call, message.request, error, text);
    return true;
  };
  const Match* found = match(message.procedure);
  if (found == nullptr) {
    return refused(wamp::kInvalidUri, fmt::format("call with invalid procedure URI '{}' (URI strict checking {})",
                                                  message.procedure, strict_text(context_.options.uri_check)));
  }
  // Permission comes before existence, so that nobody finds out what there is by asking.
  const auto permit = authorize(context_, session, message.procedure, Action::call, message.options.raw);
  if (permit.outcome == Authorization::Outcome::deferred) return true;
  if (permit.outcome != Authorization::Outcome::allowed) {
    refuse_unauthorized(out, context_, session, wamp::MessageType::call, message.request, message.procedure,
                        Action::call, permit);
    return true;
  }
  if (meta_.call(session, message, out)) return true;
  const RegistrationView& view = found->view;
  if (!view.registration || view.callees->empty()) {
    const ClusterPort* const cluster = context_.directory.cluster;
    if (cluster != nullptr && crosses_nodes(message.procedure)) {
      if (!cluster->is_complete()) {
        return refused(wamp::kUnavailable,
                       fmt::format("procedure <{}> has no callee on this node, and others cannot be reached now",
                                   message.procedure));
      }
      if (!session.caught_up) {
        context_.catching_up = true;
        catch_up({session.key, message.request, false});
        return true;
      }
    }
    return refused(wamp::kNoSuchProcedure, fmt::format("no callee registered for procedure <{}>", message.procedure));
  }
  const bool pattern = view.registration->match != wamp::Match::exact;
  const Outgoing outgoing{message.request,
                          view.registration,
                          pattern ? message.procedure : std::string_view(),
                          discloses(session, message.procedure, permit),
                          message.options.receive_progress,
                          message.options.progress,
                          permit.trustlevel,
                          message.options.timeout,
                          message.options.passthru,
                          message.payload};
  if (view.registration->queue.limited()) {
    call_limited(session, view, outgoing, out);
  } else {
    start_call(session, pick(view), outgoing, out);
  }
  return true;
}

void Dealer::start_call(Session& session, const Callee& callee, const Outgoing& call, Outbox& out) {
  PendingCall pending;
  pending.more = call.progress;
  if (!send_call(session, pending, callee, call, out)) {
    return refuse(out, session, wamp::MessageType::call, call.request, wamp::kNoSuchProcedure,
                  fmt::format("no callee registered for procedure <{}>", call.registration->uri));
  }
  if (pending.more) {
    out.stream(session, session.call_streams.try_emplace(call.request, callee.intake).first->second);
  } else if (callee.reroutes) {
    pending.reroutes = true;
    if (call.registration->invoke != wamp::InvocationPolicy::single) keep_for_reroute(session, callee, call);
  }
  session.calls.emplace(call.request, pending);
}

bool Dealer::send_call(Session& session, PendingCall& pending, const Callee& callee, const Outgoing& call,
                       Outbox& out) {
  std::shared_ptr<Intake> results_to = call.receive_progress ? session.make_intake() : nullptr;
  const std::uint64_t forwarded = callee.forward_timeout ? call.timeout : 0;
  pending.callee = callee.key;
  pending.registration = call.registration->id;
  const bool limited = call.registration->queue.limited();
  if (limited && pending.place == 0) pending.place = ++session.last_place;  // once: it keeps it if it is sent again
  if (callee.key.shard != context_.shard) {
    pending.handle = ++last_handle_ << kShardBits | context_.shard;
    RemoteCall remote{session.key,
                      call.request,
                      callee.key,
                      pending.registration,
                      std::string(call.procedure),
                      call.disclose ? session.identity : nullptr,
                      call.payload.kept(),
                      pending.handle};
    remote.receive_progress = call.receive_progress;
    remote.progress = call.progress;
    remote.trustlevel = call.trustlevel;
    remote.timeout = forwarded;
    remote.passthru = call.passthru;
    remote.results_to = std::move(results_to);
    if (limited) remote.slot = {call.registration, callee.slots};
    if (call.progress) {
      if (callee.key.shard == kOtherNode) {
        remote.pieces_to = std::make_shared<Intake>(Intake::kMostToNode);
        session.call_streams.insert_or_assign(call.request, remote.pieces_to);
      }
      const auto& pieces_to = remote.pieces_to ? remote.pieces_to : callee.intake;
      pieces_to->posted(size_of_piece(call.payload));
    }
    out.post(callee.key.shard, std::move(remote));
  } else {
    // The directory is written before UNREGISTERED is sent and before a session ends, so a callee of this shard is
    // here, unless the call had to wait for it.
    Session* target = sessions_.find(callee.key);
    if (target == nullptr) return false;
    wamp::InvocationDetails details;
    details.procedure = call.procedure;
    details.receive_progress = call.receive_progress;
    details.progress = call.progress;
    details.trustlevel = call.trustlevel;
    details.timeout = forwarded;
    details.passthru = call.passthru;
    PendingInvocation invocation{session.key, call.request};
    invocation.slotted = callee.slots != nullptr;
    pending.handle = invoke(*target, invocation, pending.registration, call.disclose ? session.identity.get() : nullptr,
                            std::move(details), call.payload, std::move(results_to), out);
    if (callee.slots) target->slots.emplace(pending.handle, SlotUse{call.registration, callee.slots});
  }
  if (forwarded != 0 && pending.timer != 0) {
    out.timer({std::exchange(pending.timer, 0), 0, session.key, call.request});
  } else if (forwarded == 0 && call.timeout != 0 && pending.timer == 0) {
    pending.timeout = call.timeout;
    start_timer(session.key, call.request, pending, out);
  }
  return true;
}

bool Dealer::continue_call(Session& session, PendingCall& pending, const wamp::Call& message, Outbox& out) {
  if (!pending.more) return false;
  pending.more = message.options.progress;
  const auto stream = session.call_streams.find(message.request);
  out.stream(session, stream->second);
  if (pending.callee.shard != context_.shard) {
    RemoteCall call{session.key, message.request, pending.callee,         pending.registration,
                    {},          nullptr,         message.payload.kept(), pending.handle,
                    true};
    call.progress = message.options.progress;
    call.passthru = message.options.passthru;
    stream->second->posted(size_of_piece(message.payload));
    out.post(pending.callee.shard, std::move(call));
  } else if (Session* callee = sessions_.find(pending.callee)) {
    send_more(*callee, pending.handle, pending.registration, message.options.progress, message.options.passthru,
              message.payload, out);
  }
  if (!pending.more) session.call_streams.erase(stream);
  return true;
}

void Dealer::send_more(Session& callee, wamp::RequestId invocation, wamp::RegistrationId registration, bool progress,
                       const wamp::PassthruRef& passthru, const wamp::Payload& payload, Outbox& out) {
  const auto at = callee.invocations.find(invocation);
  if (at == callee.invocations.end()) return;  // answered meanwhile
  at.value().continued = true;
  wamp::Invocation more{invocation, registration, {}, payload};
  more.details.receive_progress = at->second.receive_progress;
  more.details.progress = progress;
  more.details.passthru = passthru;
  out.send(callee, std::move(more));
}

wamp::RequestId Dealer::invoke(Session& callee, PendingInvocation pending, wamp::RegistrationId registration,
                               const Identity* disclosed, wamp::InvocationDetails details, const wamp::Payload& payload,
                               std::shared_ptr<Intake> results_to, Outbox& out) {
  const wamp::RequestId invocation = ++callee.last_invocation;
  pending.receive_progress = details.receive_progress;
  if (pending.receive_progress) callee.result_streams.emplace(invocation, std::move(results_to));
  callee.invocations.emplace(invocation, pending);
  if (disclosed != nullptr) {
    details.caller = disclosed->session;
    details.caller_authid = disclosed->authid;
    details.caller_authrole = disclosed->authrole;
  }
  out.send(callee, wamp::Invocation{invocation, registration, std::move(details), payload});
  return invocation;
}

void Dealer::deliver(const RemoteCall& call, Outbox& out) {
  if (call.pieces_to) call.pieces_to->arrived(size_of_piece(call.payload));
  if (call.claim == 0) return start_invocation(call, out);
  const auto found = std::make_shared<RemoteCall>();
  const std::string_view problem = find_callee(call, *found);
  if (problem.empty()) {
    out.keep(found);  // what is sent refers to it
    return found->slot.slots ? start_limited(*found, out) : start_invocation(*found, out);
  }
  if (call.continues) return;
  fail(call.caller, call.request, problem, {}, wamp::Payload::from_text("the callee left before the call reached it"),
       out);
}

void Dealer::start_invocation(const RemoteCall& call, Outbox& out) {
  if ((call.continues || call.progress) && call.claim == 0) {
    Session* callee = sessions_.find(call.callee);
    if (callee != nullptr) callee->intake->arrived(size_of_piece(call.payload));
  }
  if (call.continues) {
    const auto at = remote_calls_.find(call.handle);
    Session* callee = at != remote_calls_.end() ? sessions_.find(at->second.callee) : nullptr;
    if (callee != nullptr) {
      send_more(*callee, at->second.invocation, call.registration, call.progress, call.passthru, call.payload, out);
    }
    return;
  }
  Session* callee = sessions_.find(call.callee);
  if (callee == nullptr || !callee->registrations.contains(call.registration)) {
    if (call.slot.registration) return out.post(call.caller.shard, ReturnedCall{call});
    // It was a callee when the call was routed to it. Routing the call anew could let it overtake, or be overtaken by,
    // others of the same caller to the same callee.
    return fail(call.caller, call.request, wamp::kCanceled, {},
                wamp::Payload::from_text("the callee left before the call reached it"), out);
  }
  wamp::InvocationDetails details;
  details.procedure = call.procedure;
  details.receive_progress = call.receive_progress;
  details.progress = call.progress;
  details.trustlevel = call.trustlevel;
  details.timeout = call.timeout;
  details.passthru = call.passthru;
  PendingInvocation pending{call.caller, call.request};
  pending.handle = call.handle;
  pending.slotted = call.slot.slots != nullptr;
  const wamp::RequestId invocation = invoke(*callee, pending, call.registration, call.disclosed.get(),
                                            std::move(details), call.payload, call.results_to, out);
  if (pending.slotted) callee->slots.emplace(invocation, call.slot);
  remote_calls_.emplace(call.handle, RemoteInvocation{call.callee, invocation});
}

bool Dealer::take_pending(Session& session, wamp::RequestId invocation, PendingInvocation& pending, Outbox& out) {
  const auto at = session.invocations.find(invocation);
  if (at == session.invocations.end()) return false;
  pending = at->second;
  session.invocations.erase(at);
  if (pending.receive_progress) session.result_streams.erase(invocation);
  if (pending.handle != 0) remote_calls_.erase(pending.handle);
  if (pending.slotted) release_slot(session, invocation, out);
  return true;
}

bool Dealer::yield(Session& session, const wamp::Yield& message, Outbox& out) {
  const bool progress = message.options.progress;
  PendingInvocation pending;
  if (progress) {
    const auto at = session.invocations.find(message.request);
    if (at == session.invocations.end()) return message.request <= session.last_invocation;
    if (!at->second.receive_progress) return true;  // nobody wants to hear of it
    pending = at->second;
    const auto& to = session.result_streams.find(message.request)->second;
    out.stream(session, to);
    if (pending.caller.shard != context_.shard) to->posted(size_of_piece(message.payload));
  } else if (!take_pending(session, message.request, pending, out)) {
    return message.request <= session.last_invocation;
  }
  if (pending.caller.shard != context_.shard) {
    out.post(pending.caller.shard, RemoteResult{pending.caller, pending.request, session.identity,
                                                message.payload.kept(), progress, message.options.passthru});
    return true;
  }
  answer(pending.caller, pending.request, result_details(*session.identity, progress, message.options.passthru),
         message.payload, out);
  return true;
}

void Dealer::answer(const SessionKey& key, wamp::RequestId request, wamp::ResultDetails details,
                    const wamp::Payload& payload, Outbox& out) {
  Session* caller = sessions_.find(key);
  if (caller == nullptr) return;  // it left while the call was under way
  const auto at = caller->calls.find(request);
  if (at == caller->calls.end()) return;  // it canceled the call
  if (!details.progress) {
    end_call(*caller, at, out);
  } else {
    if (at->second.reroutes) forget_reroute(*caller, at);  // another callee cannot go on from here
    if (at->second.timer != 0) {                           // the limit is from one result to the next
      out.timer({at->second.timer, 0, key, request});
      start_timer(key, request, at.value(), out);
    }
  }
  out.send(*caller, wamp::Result{request, std::move(details), payload});
}

void Dealer::end_call(Session& caller, Calls::iterator call, Outbox& out) {
  if (call->second.timer != 0) out.timer({call->second.timer, 0, caller.key, call->first});
  if (call->second.more) caller.call_streams.erase(call->first);
  if (call->second.reroutes) caller.reroutable.erase(call->first);
  caller.calls.erase(call);
}

void Dealer::start_timer(const SessionKey& caller, wamp::RequestId request, PendingCall& call, Outbox& out) {
  call.timer = ++last_timer_;
  out.timer({call.timer, call.timeout, caller, request});
}

bool Dealer::invocation_error(Session& session, const wamp::Error& message, Outbox& out) {
  PendingInvocation pending;
  if (!take_pending(session, message.request, pending, out)) return message.request <= session.last_invocation;
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
  const auto at = session->calls.find(request);
  if (at == session->calls.end()) return;  // it canceled the call
  if (at->second.reroutes && error == wamp::kUnavailable) return reroute(*session, at, out);
  end_call(*session, at, out);
  out.send(*session, wamp::Error{wamp::MessageType::call, request, details, error, payload});
}

void Dealer::deliver(const RemoteResult& result, Outbox& out) {
  if (result.progress) {
    Session* caller = sessions_.find(result.caller);
    if (caller != nullptr) caller->intake->arrived(size_of_piece(result.payload));
  }
  answer(result.caller, result.request, result_details(*result.callee, result.progress, result.passthru),
         result.payload, out);
}

void Dealer::deliver(const RemoteError& error, Outbox& out) {
  fail(error.caller, error.request, error.error, error.details, error.payload, out);
}

}  // namespace crosspoint::realm
