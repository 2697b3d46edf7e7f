#include <fmt/core.h>

#include "realm/dealer.hpp"
#include "wamp/errors.hpp"

/// How calls end before they are answered ("Call Canceling", "Call Timeouts").
namespace crosspoint::realm {

void Dealer::cancel(Session& session, const wamp::Cancel& message, Outbox& out) {
  const auto at = session.calls.find(message.request);
  if (at == session.calls.end()) return;  // answered meanwhile
  const bool started = !at->second.waiting;
  if (started && at->second.reroutes) forget_reroute(session, at);
  at.value().killed = started && message.mode == wamp::CancelMode::kill;
  abandon(session, at, message.mode, {}, out);
  if (started && message.mode == wamp::CancelMode::kill) return;  // the callee's answer ends it
  end_call(session, at, out);
  out.send(session, wamp::Error{wamp::MessageType::call, message.request, {}, wamp::kCanceled, {}});
}

void Dealer::time_out(const Outbox::Timer& timer, Outbox& out) {
  if (timer.caller.generation == 0) {
    const auto at = waiting_calls_.find(timer.request);
    if (at == waiting_calls_.end() || at->second.timer != timer.number) return;
    at.value().timer = 0;
    return end_waiting(timer.request, wamp::kTimeout, fmt::format("no answer within {} ms", at->second.call.timeout),
                       out);
  }
  Session* session = sessions_.find(timer.caller);
  if (session == nullptr) return;
  const auto at = session->calls.find(timer.request);
  if (at == session->calls.end() || at->second.timer != timer.number) return;
  at.value().timer = 0;
  const std::uint64_t limit = at->second.timeout;
  abandon(*session, at, wamp::CancelMode::killnowait, wamp::kTimeout, out);
  end_call(*session, at, out);
  out.send(*session, wamp::Error{wamp::MessageType::call,
                                 timer.request,
                                 {},
                                 wamp::kTimeout,
                                 wamp::Payload::from_text(fmt::format("no answer within {} ms", limit))});
}

void Dealer::abandon(Session& caller, Calls::iterator at, wamp::CancelMode mode, std::string_view reason, Outbox& out) {
  const PendingCall& call = at->second;
  if (call.waiting) {
    stop_waiting(caller, at->first);
  } else if (call.callee.shard != context_.shard) {
    out.post(call.callee.shard, RemoteCancel{call.handle, mode, std::string(reason)});
  } else if (Session* callee = sessions_.find(call.callee)) {
    interrupt(*callee, call.handle, mode, reason, out);
  }
}

void Dealer::deliver(const RemoteCancel& cancel, Outbox& out) {
  const auto at = remote_calls_.find(cancel.handle);
  if (at == remote_calls_.end()) return end_waiting(cancel.handle, wamp::kCanceled, {}, out);
  const RemoteInvocation call = at->second;
  if (Session* callee = sessions_.find(call.callee)) {
    // The reason is one of ours; its text must outlive the delivery.
    interrupt(*callee, call.invocation, cancel.mode, cancel.reason, out);
  }
}

void Dealer::interrupt(Session& callee, wamp::RequestId invocation, wamp::CancelMode mode, std::string_view reason,
                       Outbox& out) {
  const auto at = callee.invocations.find(invocation);
  if (at == callee.invocations.end()) return;  // answered meanwhile
  const bool interruptible = callee.announced.call_canceling;
  const bool told = interruptible && mode != wamp::CancelMode::skip;
  if (told) out.send(callee, wamp::Interrupt{invocation, mode, reason});
  if (told && mode == wamp::CancelMode::kill) return;  // its answer ends the call
  PendingInvocation pending = at->second;
  if (!told && pending.slotted) {
    // It works on, and is as busy as before until it answers; nobody wants to know the answer.
    if (pending.handle != 0) remote_calls_.erase(pending.handle);
    at.value().handle = 0;
    at.value().caller = {context_.shard, 0, 0};
  } else {
    take_pending(callee, invocation, pending, out);
  }
  // The caller of a call that cannot be killed does not wait any longer, either.
  if (mode == wamp::CancelMode::kill) fail(pending.caller, pending.request, wamp::kCanceled, {}, {}, out);
}

void Dealer::invocation_undelivered(Session& callee, wamp::RequestId invocation, std::string_view error,
                                    std::string_view text, Outbox& out) {
  PendingInvocation pending;
  if (!take_pending(callee, invocation, pending, out)) return;
  if (pending.continued && callee.announced.call_canceling) {  // it works at what came before
    out.send(callee, wamp::Interrupt{invocation, wamp::CancelMode::killnowait, {}});
  }
  fail(pending.caller, pending.request, error, {}, wamp::Payload::from_text(text), out);
}

void Dealer::result_undelivered(Session& caller, wamp::RequestId request, std::string_view error, std::string_view text,
                                Outbox& out) {
  if (const auto at = caller.calls.find(request); at != caller.calls.end()) {  // it was progress
    abandon(caller, at, wamp::CancelMode::killnowait, {}, out);
    end_call(caller, at, out);
  }
  out.send(caller, wamp::Error{wamp::MessageType::call, request, {}, error, wamp::Payload::from_text(text)});
}

}  // namespace crosspoint::realm
