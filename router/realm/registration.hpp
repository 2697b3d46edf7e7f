#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

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
  std::shared_ptr<Intake> intake{};
};

/// A procedure (or pattern of procedures) that callees of a realm serve. Shared by all threads.
struct Registration {
  // Constant.
  wamp::RegistrationId id = 0;
  std::string uri;
  wamp::Match match = wamp::Match::exact;
  wamp::InvocationPolicy invoke = wamp::InvocationPolicy::single;
  unsigned home = 0;    ///< the shard that made it, and reports what happens to it
  std::string created;  ///< when, as RealmOptions::timestamp says it

  /// Turns of `roundrobin`, counted by all callers' shards.
  mutable std::atomic<std::uint32_t> turn{0};

  /// In the order of registering. The list itself never changes: a change of callees puts a new one in its place,
  /// under the directory's lock.
  std::shared_ptr<const std::vector<Callee>> callees;
};

using RegistrationRef = std::shared_ptr<Registration>;

/// A registration as a caller's shard found it in the directory.
struct RegistrationView {
  std::shared_ptr<const Registration> registration;
  std::shared_ptr<const std::vector<Callee>> callees;
};

}  // namespace crosspoint::realm
