#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "settings/auth.hpp"

/// Path services that reach into a realm: the HTTP bridges, and WAMP over long-polling.
namespace crosspoint::settings {

/// The largest body of an HTTP request, where a service takes none that are larger.
inline constexpr std::size_t kMaxHttpBody = 1024 * 1024;

/// A range of IP addresses: "10.0.0.0/8", "::1".
struct IpNetwork {
  std::array<std::uint8_t, 16> address{};  ///< of IPv4 the first four
  bool is_v6 = false;
  unsigned prefix = 0;  ///< bits that count

  /// An address without a prefix stands for itself. Empty if it is none, or has bits behind the prefix.
  static std::optional<IpNetwork> parse(std::string_view text);
  /// `ip` is an address as text; an IPv4 address written as IPv6 ("::ffff:1.2.3.4") counts as IPv4. False if it is
  /// none.
  bool contains(std::string_view ip) const;
};

/// Where a bridge's requests go: it has a session of the router's own with this role.
struct BridgeTarget {
  std::string realm;
  std::string role;
};

/// `options` of a publisher or caller.
struct BridgeOptions {
  std::string key;     ///< of signed requests
  std::string secret;  ///< if not empty: requests must be signed
  bool require_tls = false;
  std::vector<IpNetwork> require_ip;          ///< if not empty: where requests may come from
  std::size_t post_body_limit = 0;            ///< bytes; 0: only the transport's limit
  std::uint32_t timestamp_delta_limit = 300;  ///< seconds that a request's time may be off; 0: any
  std::uint32_t call_timeout = 3600;          ///< seconds, of a caller: Crosspoint's own
};

struct Publisher {
  BridgeTarget target;
  BridgeOptions options;
};
struct Caller {
  BridgeTarget target;
  BridgeOptions options;
};
struct Webhook {
  BridgeTarget target;
  std::string topic;
  std::string success_response = "OK";
  std::string error_response = "NOT OK";
  std::string github_secret;  ///< if not empty: X-Hub-Signature must fit
  std::size_t post_body_limit = 0;
};

/// Another HTTP server that requests are passed on to.
struct ReverseProxy {
  std::string host;
  std::uint16_t port = 80;
  std::string path;                   ///< in front of what is behind the service's own path
  std::uint16_t forwarded_port = 80;  ///< told the other server, as is:
  std::string forwarded_proto = "http";
  std::uint32_t timeout = 60;  ///< seconds in which something must come from it: Crosspoint's own
};

/// `options` of a longpoll service, but for `auth`, which Crossbar's does not have.
struct LongPoll {
  Auth auth;
  std::string debug_transport_id;              ///< every transport's id, if not empty
  std::uint32_t request_timeout = 10;          ///< seconds that a poll waits for messages
  std::uint32_t session_timeout = 30;          ///< seconds without a poll after which a transport ends
  std::size_t queue_limit_bytes = 128 * 1024;  ///< waiting for a client, apart from the next message
  std::size_t queue_limit_messages = 100;      ///< waiting for a client
  std::size_t transport_limit = 16384;         ///< open at a time: Crosspoint's own
};

}  // namespace crosspoint::settings
