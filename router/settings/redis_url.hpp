#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace crosspoint::settings {

/// A Redis server as a URL names it: `redis://[[user]:password@]host[:port][/database]`, `rediss://` for TLS. User and
/// password may have %XX for characters that mean something in a URL; an IPv6 address stands in brackets.
struct RedisUrl {
  std::string host;
  std::uint16_t port = 6379;
  std::string user;      ///< empty: the default user
  std::string password;  ///< empty: none
  std::uint32_t database = 0;
  bool tls = false;
};

/// Returns what is wrong with `text`, or nothing. What it returns has no part of `text` in it, which may be a secret.
/// `port` is for a URL that has none.
std::string_view parse_redis_url(std::string_view text, RedisUrl& out, std::uint16_t port = 6379);

}  // namespace crosspoint::settings
