#pragma once

#include <string>
#include <vector>

#include "settings/redis_url.hpp"

namespace crosspoint::settings {

/// `tls` of what connects to a server. Paths are absolute.
struct ClientTls {
  std::string hostname;                      ///< that the server's certificate has to be for; empty: as in the URL
  std::vector<std::string> ca_certificates;  ///< one of these has to have signed it; empty: one of the system's
  std::string certificate;                   ///< that this side shows, with its `key`; empty: none
  std::string key;
};

/// How a Redis server is reached.
struct Redis {
  RedisUrl url;   ///< with sentinels, its host is the name of a master, and it has no port
  ClientTls tls;  ///< where a URL says rediss://
  /// Who knows where the master is, asked in this order; none: the URL says where it is.
  std::vector<RedisUrl> sentinels;
};

}  // namespace crosspoint::settings
