#include <fmt/core.h>

#include <algorithm>

#include "realm/dealer.hpp"
#include "wamp/errors.hpp"

/// Calls that wait because all callees are busy ("Shared Registration" with `concurrency`, as Crossbar has it), and
/// calls that go on to another callee ("Call Re-Routing").
namespace crosspoint::realm {
namespace {

/// A call is not offered to more callees than this.
constexpr std::size_t kMostTried = 32;

/// A call that comes back is compared with at most so many others of its session.
constexpr std::size_t kMostCompared = 4096;

/// How many of the session's later calls are known not to have got to another callee before `call`: those that wait,
/// and those that are on their way to the callee that `call` did not find any more, and come back behind it. (If that
/// has registered again in between, they are served there.)
std::uint64_t still_behind(const Session& session, const RemoteCall& call, std::uint64_t place) {
  if (session.last_place == place || session.calls.size() > kMostCompared) return 0;
  const auto is_behind = [&](const PendingCall& other) {
    return other.place > place &&
           (other.waiting || (other.callee == call.callee && other.registration == call.registration));
  };
  return static_cast<std::uint64_t>(std::count_if(session.calls.begin(), session.calls.end(),
                                                  [&](const auto& entry) { return is_behind(entry.second); }));
}

/// Where a call has its place among those that wait: behind those of its session that were sent before it.
auto place_among(Session& session, std::uint64_t place) {
  return std::find_if(session.waiting.begin(), session.waiting.end(), [&](const KeptCall& other) {
    const std::uint64_t its = session.calls.find(other.request)->second.place;
    return its == 0 || its > place;
  });
}

/// The callee that the policy has next for a call, of those that have not had it. `good` may refuse one.
template <class Good>
const Callee* next_callee(const RegistrationView& view, const std::vector<SessionKey>& tried, base::Random& random,
                          const Good& good) {
  const auto& callees = *view.callees;
  const std::size_t count = callees.size();
  if (count == 0 || tried.size() >= kMostTried) return nullptr;
  std::size_t start = 0;
  if (view.registration->invoke == wamp::InvocationPolicy::roundrobin) {
    start = view.registration->turn.fetch_add(1, std::memory_order_relaxed);
  } else if (view.registration->invoke == wamp::InvocationPolicy::random) {
    start = random.below(count);
  }
  const bool backwards = view.registration->invoke == wamp::InvocationPolicy::last;
  for (std::size_t i = 0; i < count; ++i) {
    const Callee& callee = callees[backwards ? count - 1 - i : (start + i) % count];
    if (std::find(tried.begin(), tried.end(), callee.key) == tried.end() && good(callee)) return &callee;
  }
  return nullptr;
}

}  // namespace

KeptCall Dealer::kept(const Outgoing& call) {
  auto procedure = call.procedure.empty() ? nullptr : std::make_shared<const std::string>(call.procedure);
  return {call.registration, call.request, std::move(procedure), call.disclose,      call.receive_progress,
          call.trustlevel,   call.timeout, call.passthru,        call.payload.kept()};
}

Dealer::Outgoing Dealer::outgoing(const KeptCall& call, Outbox& out) {
  if (call.procedure) out.keep(call.procedure);
  const std::string_view procedure = call.procedure ? std::string_view(*call.procedure) : std::string_view();
  return {call.request, call.registration, procedure,    call.disclose, call.receive_progress,
          false,        call.trustlevel,   call.timeout, call.passthru, call.payload};
}

void Dealer::call_limited(Session& session, const RegistrationView& view, const Outgoing& call, Outbox& out) {
  const bool behind = std::any_of(session.waiting.begin(), session.waiting.end(),
                                  [&](const KeptCall& other) { return other.registration == view.registration; });
  CallQueue& queue = view.registration->queue;
  Callee callee;
  auto admission = queue.admit(*view.registration, *view.callees, session.key, behind, context_.random, callee);
  if (admission == CallQueue::Admission::start) return start_call(session, callee, call, out);
  if (admission == CallQueue::Admission::queued && call.progress) {  // its further pieces would have to be kept as well
    queue.withdraw(session.key);
    admission = CallQueue::Admission::full;
  }
  if (admission == CallQueue::Admission::closed) {
    return refuse(out, session, wamp::MessageType::call, call.request, wamp::kNoSuchProcedure,
                  fmt::format("no callee registered for procedure <{}>", view.registration->uri));
  }
  if (admission == CallQueue::Admission::full) {
    return refuse(out, session, wamp::MessageType::call, call.request, wamp::kMaxConcurrencyReached,
                  fmt::format("all callees of procedure <{}> are as busy as they allow, and no more calls can wait",
                              view.registration->uri));
  }
  PendingCall pending;
  pending.waiting = true;
  pending.registration = view.registration->id;
  pending.timeout = call.timeout;
  if (pending.timeout != 0) start_timer(session.key, call.request, pending, out);
  session.calls.emplace(call.request, pending);
  session.waiting.push_back(kept(call));
  // A callee may have come or become free since the registration was looked up.
  give_turns(view.registration, out);
}

void Dealer::give_turns(const std::shared_ptr<const Registration>& registration, Outbox& out) {
  if (!registration->queue.limited()) return;
  const RegistrationView view = context_.directory.registrations.get(*registration);
  if (!view.registration) return;
  RemoteTurn turn{{}, registration, {}};
  while (registration->queue.next(*registration, *view.callees, context_.random, turn.waiter, turn.callee)) {
    give_turn(turn, out);
  }
}

void Dealer::give_turn(const RemoteTurn& turn, Outbox& out) {
  const unsigned shard = turn.waiter.handle != 0 ? turn.waiter.callee.shard : turn.waiter.caller.shard;
  if (shard == context_.shard) {
    deliver(turn, out);
  } else {
    out.post(shard, turn);
  }
}

void Dealer::deliver(const RemoteTurn& turn, Outbox& out) {
  if (turn.waiter.handle != 0) return start_waiting(turn, out);
  const SessionKey& caller = turn.waiter.caller;
  Session* session = sessions_.find(caller);
  const bool has_callee = turn.callee.key.generation != 0;
  const auto is_meant = [&](const KeptCall& call) { return call.registration == turn.registration; };
  if (session == nullptr || std::none_of(session->waiting.begin(), session->waiting.end(), is_meant)) {
    if (!has_callee) return;
    if (turn.callee.slots) turn.registration->queue.release(*turn.callee.slots);
    return give_turns(turn.registration, out);  // to somebody else
  }
  bool gone = !has_callee;
  if (has_callee) {
    const RegistrationView view = context_.directory.registrations.get(*turn.registration);
    gone = !view.registration || std::none_of(view.callees->begin(), view.callees->end(),
                                              [&](const Callee& callee) { return callee.key == turn.callee.key; });
    if (gone && turn.registration->queue.put_back(caller)) return give_turns(turn.registration, out);
  }
  const auto oldest = std::find_if(session->waiting.begin(), session->waiting.end(), is_meant);
  KeptCall call = std::move(*oldest);
  session->waiting.erase(oldest);
  const auto at = session->calls.find(call.request);
  at.value().waiting = false;
  if (std::find(call.tried.begin(), call.tried.end(), turn.callee.key) != call.tried.end()) {
    // It has registered again, and may have got a later call of the session meanwhile.
    if (turn.callee.slots) turn.registration->queue.release(*turn.callee.slots);
    give_turns(turn.registration, out);
    gone = true;
  }
  if (gone || !send_call(*session, at.value(), turn.callee, outgoing(call, out), out)) {
    return fail(caller, call.request, wamp::kCanceled, {},
                wamp::Payload::from_text("the callee left before the call reached it"), out);
  }
  if (!turn.callee.reroutes) return;
  at.value().reroutes = true;
  if (turn.registration->invoke == wamp::InvocationPolicy::single) return;
  call.tried.push_back(turn.callee.key);
  session->reroutable.emplace(call.request, std::make_unique<KeptCall>(std::move(call)));
}

void Dealer::deliver(const ReturnedCall& returned, Outbox& out) {
  const RemoteCall& call = returned.call;
  Session* session = sessions_.find(call.caller);
  if (session == nullptr) return;
  const auto at = session->calls.find(call.request);
  if (at == session->calls.end() || at->second.waiting || at->second.handle != call.handle) return;  // canceled
  // A call of the same session that has taken a callee since must not be overtaken at that one: too late for this call,
  // unless all of them come back as well.
  const std::uint64_t behind = still_behind(*session, call, at->second.place);
  const bool late = session->last_place - at->second.place != behind;
  const auto& registration = call.slot.registration;
  if (late || at->second.killed || call.progress || !registration->queue.put_back(session->key)) {
    return fail(call.caller, call.request, wamp::kCanceled, {},
                wamp::Payload::from_text("the callee left before the call reached it"), out);
  }
  if (at->second.reroutes) forget_reroute(*session, at);
  at.value().waiting = true;
  auto procedure = call.procedure.empty() ? nullptr : std::make_shared<const std::string>(call.procedure);
  KeptCall kept{registration,
                call.request,
                std::move(procedure),
                call.disclosed != nullptr,
                call.receive_progress,
                call.trustlevel,
                std::max(call.timeout, at->second.timeout),
                call.passthru,
                call.payload};
  if (behind > 0) kept.tried.push_back(call.callee);
  session->waiting.insert(place_among(*session, at->second.place), std::move(kept));
  give_turns(registration, out);
}

void Dealer::close_queue(const std::shared_ptr<const Registration>& registration, Outbox& out) {
  if (!registration->queue.limited()) return;
  for (const CallQueue::Waiter& waiter : registration->queue.close()) give_turn({waiter, registration, {}}, out);
}

void Dealer::callee_left(const std::shared_ptr<const Registration>& registration, const SessionKey& callee,
                         Outbox& out) {
  if (!registration->queue.limited()) return;
  for (const CallQueue::Waiter& waiter : registration->queue.drop(callee)) give_turn({waiter, registration, {}}, out);
  give_turns(registration, out);  // the policy may have another callee now
}

void Dealer::stop_waiting(Session& session, wamp::RequestId request) {
  const auto at = std::find_if(session.waiting.begin(), session.waiting.end(),
                               [&](const KeptCall& call) { return call.request == request; });
  at->registration->queue.withdraw(session.key);
  session.waiting.erase(at);
}

void Dealer::release_slot(Session& callee, wamp::RequestId invocation, Outbox& out) {
  const auto at = callee.slots.find(invocation);
  const SlotUse use = at->second;
  callee.slots.erase(at);
  use.registration->queue.release(*use.slots);
  give_turns(use.registration, out);
}

void Dealer::keep_for_reroute(Session& session, const Callee& callee, const Outgoing& call) {
  auto copy = std::make_unique<KeptCall>(kept(call));
  copy->tried.push_back(callee.key);
  session.reroutable.insert_or_assign(call.request, std::move(copy));
}

void Dealer::forget_reroute(Session& session, Calls::iterator call) {
  call.value().reroutes = false;
  session.reroutable.erase(call->first);
}

void Dealer::reroute(Session& session, Calls::iterator at, Outbox& out) {
  const wamp::RequestId request = at->first;
  if (const auto found = session.reroutable.find(request); found != session.reroutable.end()) {
    KeptCall& call = *found.value();
    const RegistrationView view = context_.directory.registrations.get(*call.registration);
    const bool limited = call.registration->queue.limited();
    const auto good = [&](const Callee& callee) { return !limited || call.registration->queue.take(callee); };
    while (view.registration) {
      const Callee* next = next_callee(view, call.tried, context_.random, good);
      if (next == nullptr) break;
      call.tried.push_back(next->key);
      at.value().place = 0;  // it has a new one, behind those that were sent meanwhile
      if (!send_call(session, at.value(), *next, outgoing(call, out), out)) continue;
      if (!next->reroutes) forget_reroute(session, at);
      return;
    }
  }
  end_call(session, at, out);
  out.send(session, wamp::Error{wamp::MessageType::call,
                                request,
                                {},
                                wamp::kNoAvailableCallee,
                                wamp::Payload::from_text("no callee is available for this call")});
}

}  // namespace crosspoint::realm
