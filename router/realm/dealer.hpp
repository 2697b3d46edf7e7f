#pragma once

#include <string_view>

#include "realm/meta_api.hpp"
#include "realm/session_table.hpp"
#include "realm/shard_context.hpp"
#include "realm/uri_cache.hpp"

namespace crosspoint::realm {

/// The dealer of one shard: registrations of its sessions, calls by its sessions, and invocations of its sessions
/// ("Remote Procedure Calls"). The shard of the callee allots the invocation's id and keeps the pending record. Sends
/// nothing itself; belongs to the shard's thread.
class Dealer {
 public:
  Dealer(ShardContext& context, SessionTable& sessions, MetaApi& meta)
      : context_(context), sessions_(sessions), meta_(meta) {}

  void register_(Session& session, const wamp::Register& message, Outbox& out);
  void unregister(Session& session, const wamp::Unregister& message, Outbox& out);
  /// False if the session has a call of that id already: a protocol violation.
  bool call(Session& session, const wamp::Call& message, Outbox& out);
  /// "Call Canceling"
  void cancel(Session& session, const wamp::Cancel& message, Outbox& out);
  /// Both return false if the session has never been sent such an invocation: a protocol violation.
  bool yield(Session& session, const wamp::Yield& message, Outbox& out);
  bool invocation_error(Session& session, const wamp::Error& message, Outbox& out);

  void deliver(const RemoteCall& call, Outbox& out);
  void deliver(const RemoteResult& result, Outbox& out);
  void deliver(const RemoteError& error, Outbox& out);
  void deliver(const RemoteCancel& cancel, Outbox& out);
  void deliver(const RemoteRevocation& revocation, Outbox& out);
  void deliver(const RemoteTurn& turn, Outbox& out);
  void deliver(const ReturnedCall& returned, Outbox& out);
  void deliver(const ClaimDecided& decided, Outbox& out);
  void deliver(const ClaimRevoked& revoked, Outbox& out);
  void deliver(const CaughtUp& caught_up, Outbox& out);

  /// A timer that the Outbox asked for is due ("Call Timeouts").
  void time_out(const Outbox::Timer& timer, Outbox& out);

  /// Takes a registration from one of its callees, and tells that one, with a reason if there is one ("Registration
  /// Revocation"). False if it is no callee of it.
  bool remove_callee(const std::shared_ptr<const Registration>& registration, const SessionKey& callee,
                     wamp::SessionId session, std::string_view reason, Outbox& out);

  /// An INVOCATION that this shard sent could not be delivered after all: the call fails with `error`.
  void invocation_undelivered(Session& callee, wamp::RequestId invocation, std::string_view error,
                              std::string_view text, Outbox& out);
  /// A RESULT could not be delivered after all: the caller gets `error`, and nothing more of that call.
  void result_undelivered(Session& caller, wamp::RequestId request, std::string_view error, std::string_view text,
                          Outbox& out);
  /// The session is gone: its registrations end, and calls it was to answer fail.
  void leave(Session& session, Outbox& out);

 private:
  /// What the directory said of a procedure.
  struct Match {
    RegistrationView view;
    std::uint64_t version = 0;
  };

  /// nullptr if the procedure is no valid URI.
  const Match* match(std::string_view procedure);
  const Callee& pick(const RegistrationView& view);
  /// One of this node, if there are any.
  const Callee& pick_random(const std::vector<Callee>& callees);
  using Calls = tsl::robin_map<wamp::RequestId, PendingCall>;
  /// An invocation for a caller of another shard.
  struct RemoteInvocation {
    SessionKey callee;
    wamp::RequestId invocation = 0;
  };

  /// A call on its way to a callee.
  struct Outgoing {
    wamp::RequestId request = 0;
    const std::shared_ptr<const Registration>& registration;
    std::string_view procedure;  ///< set for pattern-based registrations
    bool disclose = false;
    bool receive_progress = false;
    bool progress = false;
    wamp::TrustLevel trustlevel = wamp::kNoTrustLevel;
    std::uint64_t timeout = 0;
    const wamp::PassthruRef& passthru;
    const wamp::Payload& payload;
  };

  void start_call(Session& session, const Callee& callee, const Outgoing& call, Outbox& out);
  /// Sends it, and notes in `pending` where. False if the callee is gone.
  bool send_call(Session& session, PendingCall& pending, const Callee& callee, const Outgoing& call, Outbox& out);

  // dealer_cluster.cpp
  /// What a session wants to register.
  struct Wanted {
    wamp::RequestId request = 0;
    std::string uri;
    wamp::Match match = wamp::Match::exact;
    wamp::InvocationPolicy invoke = wamp::InvocationPolicy::single;
    bool forward_timeout = false;
    std::uint32_t concurrency = 0;
  };
  struct WaitingCall {
    RemoteCall call;
    std::uint64_t timer = 0;  // if the callee is to mind the time limit
  };
  struct OwnClaim {
    SessionKey session;
    wamp::RegistrationId registration = 0;  // 0: not made yet
    std::unique_ptr<const Wanted> wanted;   // until it is
  };
  static Wanted wanted(const wamp::Register& message);
  /// True if the registration is one for all nodes: it has been asked for, and ClaimDecided will come.
  bool claim(Session& session, const wamp::Register& message);
  /// Finds what a call of another node is for. An error if that is gone, or nothing.
  std::string_view find_callee(const RemoteCall& call, RemoteCall& found);
  /// A call of another node for a callee that takes only so many at a time: starts it, or has it wait.
  void start_limited(const RemoteCall& call, Outbox& out);
  /// It has got its turn, or is not going to.
  void start_waiting(const RemoteTurn& turn, Outbox& out);
  bool take_waiting(std::uint64_t handle, RemoteCall& call, Outbox& out);
  /// It fails, if it waits.
  void end_waiting(std::uint64_t handle, std::string_view error, std::string_view text, Outbox& out);
  /// The claim of a callee, 0 if it has none; and that one is given up.
  /// What waits for other nodes: a call of a procedure that is not known here, or UNREGISTERED.
  struct CatchUp {
    SessionKey session;
    wamp::RequestId request = 0;
    bool unregistered = false;
  };
  void catch_up(const CatchUp& what);
  std::uint64_t claim_of(wamp::RegistrationId registration, const SessionKey& callee) const;
  void release(std::uint64_t claim);

  // dealer_queue.cpp
  static KeptCall kept(const Outgoing& call);
  static Outgoing outgoing(const KeptCall& call, Outbox& out);
  /// A call of a registration whose callees have limits.
  void call_limited(Session& session, const RegistrationView& view, const Outgoing& call, Outbox& out);
  /// Has calls started that wait, as far as callees are free.
  void give_turns(const std::shared_ptr<const Registration>& registration, Outbox& out);
  void give_turn(const RemoteTurn& turn, Outbox& out);
  /// One callee less: the calls of other nodes that wait for it fail.
  void callee_left(const std::shared_ptr<const Registration>& registration, const SessionKey& callee, Outbox& out);
  /// The registration is gone: what waits fails.
  void close_queue(const std::shared_ptr<const Registration>& registration, Outbox& out);
  static void stop_waiting(Session& session, wamp::RequestId request);
  void release_slot(Session& callee, wamp::RequestId invocation, Outbox& out);
  static void keep_for_reroute(Session& session, const Callee& callee, const Outgoing& call);
  static void forget_reroute(Session& session, Calls::iterator call);
  /// The callee was not available: the call goes to the next one, or fails.
  void reroute(Session& session, Calls::iterator at, Outbox& out);

  /// Returns the invocation's id.
  wamp::RequestId invoke(Session& callee, PendingInvocation pending, wamp::RegistrationId registration,
                         const Identity* disclosed, wamp::InvocationDetails details, const wamp::Payload& payload,
                         std::shared_ptr<Intake> results_to, Outbox& out);
  /// "Progressive Call Invocations": false if the call is complete already.
  bool continue_call(Session& session, PendingCall& pending, const wamp::Call& message, Outbox& out);
  /// A call from another shard or node, whose callee is known.
  void start_invocation(const RemoteCall& call, Outbox& out);
  void send_more(Session& callee, wamp::RequestId invocation, wamp::RegistrationId registration, bool progress,
                 const wamp::PassthruRef& passthru, const wamp::Payload& payload, Outbox& out);
  /// RESULT for a caller of this shard.
  void answer(const SessionKey& caller, wamp::RequestId request, wamp::ResultDetails details,
              const wamp::Payload& payload, Outbox& out);
  void end_call(Session& caller, Calls::iterator call, Outbox& out);
  void start_timer(const SessionKey& caller, wamp::RequestId request, PendingCall& call, Outbox& out);
  /// Tells the callee, if it can be told, that the call is of no use any more.
  void abandon(Session& caller, Calls::iterator call, wamp::CancelMode mode, std::string_view reason, Outbox& out);
  void interrupt(Session& callee, wamp::RequestId invocation, wamp::CancelMode mode, std::string_view reason,
                 Outbox& out);
  /// Takes a registration from a callee, whose session id is `session`. False if it is no callee of it (any more).
  bool remove(const RegistrationRef& registration, const SessionKey& callee, wamp::SessionId session, Outbox& out);
  void tell(const RemoteRevocation& revocation, Outbox& out);
  /// How many calls may wait at a registration (`call-queue` of the realm's store).
  std::size_t most_queued(std::string_view uri) const;
  /// Takes a registration from all its callees and tells them ("Registration Revocation").
  void revoke(std::string_view uri, wamp::Match match, Outbox& out);
  /// Answers a call of this or another shard with an error.
  void fail(const SessionKey& caller, wamp::RequestId request, std::string_view error, const wamp::Dict& details,
            const wamp::Payload& payload, Outbox& out);
  bool take_pending(Session& session, wamp::RequestId invocation, PendingInvocation& pending, Outbox& out);
  void refuse_register(Session& session, wamp::RequestId request, std::string_view error, std::string text,
                       Outbox& out) const;
  /// Makes a session a callee and tells it, or refuses. Returns the registration's id, or 0.
  wamp::RegistrationId add_callee(Session& session, const Wanted& wanted, std::uint64_t claim, std::uint64_t order,
                                  Outbox& out);
  void refuse_conflict(Session& session, const Wanted& wanted, bool exists, wamp::InvocationPolicy existing,
                       Outbox& out) const;

  ShardContext& context_;
  SessionTable& sessions_;
  MetaApi& meta_;
  tsl::robin_map<std::uint64_t, RemoteInvocation> remote_calls_;  // by handle
  tsl::robin_map<std::uint64_t, OwnClaim> claims_;                // by number
  tsl::robin_map<std::uint64_t, WaitingCall> waiting_calls_;      // of other nodes, by handle
  std::uint64_t last_claim_ = 0;
  tsl::robin_map<std::uint64_t, CatchUp> catch_ups_;  // by number
  std::uint64_t last_catch_up_ = 0;
  std::uint64_t last_handle_ = 0;
  std::uint64_t last_timer_ = 0;
  std::string reason_;  // of a revocation under delivery
  UriCache<Match> cache_;
  Match uncached_;  // for procedures that the cache does not take
};

}  // namespace crosspoint::realm
