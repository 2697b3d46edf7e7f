#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

/// Where a transport listens (`endpoint`).
namespace crosspoint::settings {

/// `endpoint.tls`. Paths are absolute.
struct Tls {
  std::string key;
  std::string certificate;
  std::vector<std::string> chain_certificates;
  std::vector<std::string> ca_certificates;  ///< if not empty, clients must show a certificate signed by one of these
  std::string dhparam;
  std::string ciphers;  ///< OpenSSL's notation; empty: the library's default
};

struct TcpEndpoint {
  int version = 4;        ///< of IP: 4 or 6
  std::string interface;  ///< empty: all
  std::uint16_t port = 0;
  /// If set, the first free port from first to second is taken instead of `port`.
  std::optional<std::pair<std::uint16_t, std::uint16_t>> portrange;
  int backlog = 50;
  bool shared = false;             ///< SO_REUSEPORT
  std::uint32_t user_timeout = 0;  ///< TCP_USER_TIMEOUT in milliseconds; 0: the system's
  std::optional<Tls> tls;
};

struct UnixEndpoint {
  std::string path;  ///< absolute; a socket that is there and that nobody listens on is replaced
  int backlog = 50;
  unsigned permissions = 0666;  ///< of the socket's file
  std::optional<Tls> tls;
};

using Endpoint = std::variant<TcpEndpoint, UnixEndpoint>;

inline const std::optional<Tls>& tls_of(const Endpoint& endpoint) {
  return std::visit([](const auto& kind) -> const std::optional<Tls>& { return kind.tls; }, endpoint);
}

/// "tcp port 8080" and the like, for messages.
std::string describe(const Endpoint& endpoint);

}  // namespace crosspoint::settings
