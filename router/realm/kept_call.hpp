#pragma once

#include <memory>
#include <string>
#include <vector>

#include "realm/session_key.hpp"
#include "wamp/ids.hpp"
#include "wamp/message.hpp"
#include "wamp/payload.hpp"

namespace crosspoint::realm {

struct Registration;

/// A call whose callee is not decided for good: it waits for one that is free, or may have to go to another one ("Call
/// Re-Routing"). Kept in its caller's session.
struct KeptCall {
  std::shared_ptr<const Registration> registration;
  wamp::RequestId request = 0;
  std::shared_ptr<const std::string> procedure;  ///< set for pattern-based registrations
  bool disclose = false;
  bool receive_progress = false;
  wamp::TrustLevel trustlevel = wamp::kNoTrustLevel;
  std::uint64_t timeout = 0;
  wamp::PassthruRef passthru{};
  wamp::Payload payload;
  std::vector<SessionKey> tried{};  ///< callees that had it, the last one last
};

}  // namespace crosspoint::realm
