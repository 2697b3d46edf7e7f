#pragma once

#include <cstdint>

#include "base/random.hpp"

/// WAMP ids are integers from 1 to 2^53 ("Identifiers", basic profile). Which of the three scopes one has says how it
/// is chosen: global ids are random, router ids the router's own choice (here: counted up per realm), session ids are
/// counted up by the peer that sends the request.
namespace crosspoint::wamp {

using SessionId = std::uint64_t;       ///< global scope
using PublicationId = std::uint64_t;   ///< global scope
using SubscriptionId = std::uint64_t;  ///< router scope
using RegistrationId = std::uint64_t;  ///< router scope
using RequestId = std::uint64_t;       ///< session scope

inline constexpr std::uint64_t kMaxId = std::uint64_t{1} << 53;

inline bool is_id(std::uint64_t value) { return value >= 1 && value <= kMaxId; }

/// A random id of global scope.
inline std::uint64_t random_id(base::Random& random) { return (random.next() >> 11) + 1; }

}  // namespace crosspoint::wamp
