#pragma once

#include <tsl/robin_map.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "realm/authorization.hpp"
#include "realm/intake.hpp"
#include "realm/kept_call.hpp"
#include "realm/registration.hpp"
#include "realm/session_key.hpp"
#include "realm/testaments.hpp"
#include "wamp/ids.hpp"

namespace crosspoint::realm {

class Role;

/// The connection a session lives on. The realm hands it back to whoever delivers an Outbox.
class Peer {
 public:
  /// What the session meta API tells of the session, as JSON text of an object.
  virtual std::string describe(const struct Identity& identity) const = 0;

 protected:
  ~Peer() = default;
};

/// Who a session is, as authentication found. Constant, and shared with other threads by messages under way.
struct Identity {
  wamp::SessionId session = 0;
  std::string authid;
  std::string authrole;
  std::string authmethod;
  std::string authprovider;
  std::string authextra;  ///< JSON text of an object, or empty
};

/// What a client said in HELLO that it can do, as far as the router must know.
struct Announced {
  bool call_canceling = false;           ///< as a callee
  bool call_timeout = false;             ///< as a callee
  bool registration_revocation = false;  ///< as a callee
  bool call_reroute = false;             ///< as a callee
  bool subscription_revocation = false;  ///< as a subscriber
};

/// An invocation a callee has not answered yet, and where the answer goes.
struct PendingInvocation {
  SessionKey caller;
  wamp::RequestId request = 0;  ///< the caller's
  bool receive_progress = false;
  bool continued = false;    ///< the INVOCATION was not all of it
  bool slotted = false;      ///< it has a slot (Session::slots)
  std::uint64_t handle = 0;  ///< by which the caller's shard knows it; 0 if that is ours
};

/// A call that has not been answered yet.
struct PendingCall {
  SessionKey callee;
  std::uint64_t handle = 0;  ///< the invocation's id; for a callee of another shard what that shard knows the call by
  wamp::RegistrationId registration = 0;
  bool more = false;          ///< the caller will send more of it ("Progressive Call Invocations")
  std::uint64_t timeout = 0;  ///< milliseconds that the router minds; 0: none
  std::uint64_t timer = 0;    ///< names the timer under way
  bool waiting = false;       ///< for a callee that is free: it is in Session::waiting, and has no callee yet
  bool reroutes = false;      ///< the callee's `wamp.error.unavailable` is not the answer
  bool killed = false;        ///< it was canceled, and the callee's answer will end it
  std::uint64_t place = 0;    ///< among the calls of its session to registrations whose callees have limits
};

/// A client that has joined a realm. Belongs to its shard's thread.
struct Session {
  SessionKey key;
  wamp::SessionId id = 0;
  std::shared_ptr<const Identity> identity;
  const Role* role = nullptr;  ///< owned by the Realm
  Peer* peer = nullptr;
  Announced announced;
  /// The router's own: not counted, not told GOODBYE, and its peer is no connection.
  bool internal = false;
  bool announced_join = false;  ///< in the session meta events

  /// What others have added to what is told of it (session_details.hpp): JSON text of an object with members, or none.
  std::unique_ptr<const std::string> details;
  /// What the role's dynamic authorizer said of the message that is handed in again; to be reset when that is done.
  std::unique_ptr<Verdict> verdict;
  /// The message that is handed in again has waited for what other nodes said (Shard::must_catch_up); to be reset when
  /// that is done.
  bool caught_up = false;
  /// What the authorizer said that may be remembered.
  std::unique_ptr<RememberedDecisions> remembered;

  /// Place in the member list of each subscription (kept by Broker).
  tsl::robin_map<wamp::SubscriptionId, std::uint32_t> subscriptions;
  std::unique_ptr<Testaments> testaments;
  /// Kept by Dealer.
  tsl::robin_map<wamp::RegistrationId, RegistrationRef> registrations;
  tsl::robin_map<wamp::RequestId, PendingInvocation> invocations;
  tsl::robin_map<wamp::RequestId, PendingCall> calls;
  wamp::RequestId last_invocation = 0;
  /// What it has to take in of streams; made when it becomes a callee or first asks for progress.
  std::shared_ptr<Intake> intake;
  std::size_t most_under_way = Intake::kMostUnderWay;  ///< of the intake
  /// Who takes in what it sends in pieces: results, by invocation, and calls, by request.
  tsl::robin_map<wamp::RequestId, std::shared_ptr<Intake>> result_streams;
  tsl::robin_map<wamp::RequestId, std::shared_ptr<Intake>> call_streams;

  /// Slots of its invocations, as a callee.
  tsl::robin_map<wamp::RequestId, SlotUse> slots;
  /// Its calls that wait for a callee, the oldest first; and those that may have to go to another one.
  std::vector<KeptCall> waiting;
  std::uint64_t last_place = 0;  ///< PendingCall::place of the last that was sent to a callee
  tsl::robin_map<wamp::RequestId, std::unique_ptr<KeptCall>> reroutable;

  const std::shared_ptr<Intake>& make_intake() {
    if (!intake) intake = std::make_shared<Intake>(most_under_way);
    return intake;
  }
};

}  // namespace crosspoint::realm
