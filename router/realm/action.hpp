#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "wamp/message.hpp"

namespace crosspoint::realm {

/// What a session may be authorized to do with a URI.
enum class Action : std::uint8_t { call, register_, publish, subscribe };
inline constexpr std::size_t kActions = 4;

inline std::string_view to_string(Action action) {
  constexpr std::array<std::string_view, kActions> kNames{"call", "register", "publish", "subscribe"};
  return kNames[static_cast<std::size_t>(action)];
}

/// The answer to one question of authorization.
struct Decision {
  bool allow = false;
  /// Tell callees or subscribers who calls or publishes ("Caller Identification", "Publisher Identification").
  bool disclose = false;
  /// What callees or subscribers are told of the caller or publisher.
  wamp::TrustLevel trustlevel = wamp::kNoTrustLevel;
};

}  // namespace crosspoint::realm
