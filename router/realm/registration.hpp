#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "realm/call_queue.hpp"
#include "realm/intake.hpp"
#include "realm/session_key.hpp"
#include "wamp/ids.hpp"
#include "wamp/message.hpp"
#include "wamp/uri.hpp"

namespace crosspoint::realm {

/// A session that serves a registration.
struct Callee {
  SessionKey key;
  wamp::SessionId session = 0;
  bool forward_timeout = false;  ///< minds the time limits of calls itself
  bool reroutes = false;         ///< its `wamp.error.unavailable` sends the call to another one
  std::shared_ptr<Intake> intake{};
  std::shared_ptr<Slots> slots{};             ///< none: it takes any number of calls at a time
  std::uint64_t claim = 0;                    ///< of a session of this node that serves all nodes: ClusterPort::claim
  std::uint64_t order = 0;                    ///< its place among callees of all nodes; 0: behind those that are there
  std::shared_ptr<const std::string> node{};  ///< the id of its node; none: it is this one
};

/// A procedure (or pattern of procedures) that callees of a realm serve. Shared by all threads.
struct Registration {
  // Constant.
  wamp::RegistrationId id = 0;
  std::string uri;
  wamp::Match match = wamp::Match::exact;
  wamp::InvocationPolicy invoke = wamp::InvocationPolicy::single;
  std::string created;  ///< when, as RealmOptions::timestamp says it

  /// Turns of `roundrobin`, counted by all callers' shards.
  mutable std::atomic<std::uint32_t> turn{0};
  /// Calls that wait for a callee; asked only if callees have limits.
  mutable CallQueue queue;

  /// In the order of registering. The list itself never changes: a change of callees puts a new one in its place,
  /// under the directory's lock.
  std::shared_ptr<const std::vector<Callee>> callees;
};

/// An invocation's slot.
struct SlotUse {
  std::shared_ptr<const Registration> registration;
  std::shared_ptr<Slots> slots;
};

using RegistrationRef = std::shared_ptr<Registration>;

/// A registration as a caller's shard found it in the directory.
struct RegistrationView {
  std::shared_ptr<const Registration> registration;
  std::shared_ptr<const std::vector<Callee>> callees;
};

}  // namespace crosspoint::realm
