#pragma once

#include <tsl/robin_map.h>

#include <cstdint>
#include <memory>
#include <string>

#include "realm/authorization.hpp"
#include "realm/registration.hpp"
#include "realm/session_key.hpp"
#include "wamp/ids.hpp"

namespace crosspoint::realm {

class Role;

/// The connection a session lives on. The realm only hands it back to whoever delivers an Outbox.
class Peer {
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

/// An invocation a callee has not answered yet, and where the answer goes.
struct PendingInvocation {
  SessionKey caller;
  wamp::RequestId request = 0;  ///< the caller's
};

/// A client that has joined a realm. Belongs to its shard's thread.
struct Session {
  SessionKey key;
  wamp::SessionId id = 0;
  std::shared_ptr<const Identity> identity;
  const Role* role = nullptr;  ///< owned by the Realm
  Peer* peer = nullptr;
  /// The router's own: not counted, not told GOODBYE, and its peer is no connection.
  bool internal = false;

  /// What the role's dynamic authorizer said of the message that is handed in again.
  std::unique_ptr<Verdict> verdict;
  /// What it said that may be remembered.
  std::unique_ptr<RememberedDecisions> remembered;

  /// Place in the member list of each subscription (kept by Broker).
  tsl::robin_map<wamp::SubscriptionId, std::uint32_t> subscriptions;
  /// Kept by Dealer.
  tsl::robin_map<wamp::RegistrationId, RegistrationRef> registrations;
  tsl::robin_map<wamp::RequestId, PendingInvocation> invocations;
  wamp::RequestId last_invocation = 0;
};

}  // namespace crosspoint::realm
