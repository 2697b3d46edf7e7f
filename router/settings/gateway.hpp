#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "settings/websocket.hpp"

namespace crosspoint::settings {

/// The path service `gateway`: WebSocket connections that do not speak WAMP, served by procedures of a realm.
struct Gateway {
  /// URIs; empty ones are not called. Without `message` there are no connections, only requests.
  struct Procedures {
    std::string connect, open, message, disconnect, shutdown;
    std::string request;  ///< answers HTTP requests that ask for no WebSocket
  };
  /// Messages that are JSON objects with a text at `attribute` go to the procedure `<prefix>.<that text>`.
  struct Dispatch {
    std::string attribute;
    std::string prefix;
  };
  enum class Payload {
    plain,  ///< text as a string, binary messages as bytes
    json,   ///< parsed; anything else is refused
  };

  std::string path;   ///< in the configuration, for messages
  std::string route;  ///< its name, unique in its realm
  std::string realm;
  std::string role;  ///< whose permissions its calls have
  Procedures procedures;
  std::optional<Dispatch> dispatch;
  Payload payload = Payload::plain;
  std::uint32_t timeout = 10;   ///< seconds that a procedure may take
  std::uint32_t max_calls = 1;  ///< that may be under way for one connection
  std::vector<std::string> subprotocols;
  WebSocketOptions options;
};

}  // namespace crosspoint::settings
