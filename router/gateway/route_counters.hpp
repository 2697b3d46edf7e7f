#pragma once

#include <cstdint>

namespace crosspoint::gateway {

/// What has happened on a route since the start, on one thread, which alone counts it.
struct RouteCounters {
  std::uint64_t opened = 0;    ///< connections
  std::uint64_t refused = 0;   ///< upgrades that the worker refused, or that nobody decided
  std::uint64_t received = 0;  ///< messages from connections
  std::uint64_t sent = 0;      ///< messages to connections
  std::uint64_t dropped = 0;   ///< messages for connections that did not read
  std::uint64_t failed = 0;    ///< calls of the route's procedures, but for `connect`
  // At present:
  std::uint64_t connections = 0;
  std::uint64_t queued_bytes = 0;  ///< for connections, which have not read them

  RouteCounters& operator+=(const RouteCounters& other) {
    opened += other.opened;
    refused += other.refused;
    received += other.received;
    sent += other.sent;
    dropped += other.dropped;
    failed += other.failed;
    connections += other.connections;
    queued_bytes += other.queued_bytes;
    return *this;
  }
};

}  // namespace crosspoint::gateway
