#pragma once

#include <string>
#include <string_view>

#include "base/random.hpp"
#include "load/options.hpp"
#include "serializers/serializers.hpp"

/// The client's side of the WebSocket opening handshake (RFC 6455, section 4.1).
namespace crosspoint::bench {

struct Upgrade {
  std::string request;
  std::string accept;  ///< what Sec-WebSocket-Accept has to be
};

/// `serializer`: nullptr for a WebSocket without a subprotocol.
Upgrade make_upgrade(const Target& target, const serializers::Serializer* serializer, base::Random& random);

/// Checks the server's response (up to and with the empty line). Returns what is wrong with it, or nothing.
std::string check_upgrade(std::string_view response, const Upgrade& upgrade, const serializers::Serializer* serializer);

}  // namespace crosspoint::bench
