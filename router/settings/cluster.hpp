#pragma once

#include <cstdint>
#include <string>

#include "settings/redis.hpp"

namespace crosspoint::settings {

/// What joins the node to others (`cluster`, Crosspoint's own).
struct Cluster {
  Redis redis;
  std::string prefix = "crosspoint";  ///< of all channels and keys
  std::string node;                   ///< its id in the cluster; empty: the node's
  std::uint32_t heartbeat = 2;        ///< seconds
};

}  // namespace crosspoint::settings
