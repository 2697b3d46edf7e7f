#pragma once

#include <cstdint>
#include <memory>

#include "base/io_thread.hpp"
#include "connection/endpoint.hpp"
#include "connection/router.hpp"
#include "transports/http_protocol.hpp"
#include "transports/stream.hpp"
#include "transports/websocket_service.hpp"

namespace crosspoint::bench {

/// A router of one I/O thread that is never started: run() does what is ready, and counts what that took. It has a
/// realm "realm1" in which everybody may do everything, and speaks WebSocket without compression.
class InProcessRouter {
 public:
  InProcessRouter();
  InProcessRouter(const InProcessRouter&) = delete;
  InProcessRouter& operator=(const InProcessRouter&) = delete;
  /// Connections go first: what they belong to outlives them.
  ~InProcessRouter() { streams_.clear(); }

  /// The router's end of a socket pair; it owns the descriptor from here on.
  void accept(int fd);

  /// Handles all that has arrived, turn after turn, until nothing is left to do. Under callgrind only this counts.
  void run();

  /// Calls of operator new within run() since the last reset().
  std::uint64_t allocations() const { return allocations_; }
  /// CPU time within run() since the last reset(), in seconds.
  double cpu_seconds() const { return cpu_seconds_; }
  void reset() {
    allocations_ = 0;
    cpu_seconds_ = 0;
  }

 private:
  base::IoThread io_;
  transports::StreamSet streams_;
  connection::Router router_;
  std::unique_ptr<connection::Endpoint> endpoint_;
  std::unique_ptr<transports::WebSocketService> service_;
  transports::HttpOptions options_;
  std::uint64_t allocations_ = 0;
  double cpu_seconds_ = 0;
};

}  // namespace crosspoint::bench
