#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/io_thread.hpp"
#include "base/poller.hpp"
#include "transports/stream_pool.hpp"

namespace crosspoint::transports {

/// A listening socket on an I/O thread: accepts connections and gives them to the pool.
class Listener final : public base::Pollable {
 public:
  /// Takes over a listening, non-blocking socket. Watching begins with start(), on `io`'s thread.
  Listener(base::IoThread& io, int fd, StreamPool& pool, ProtocolFactory factory, bool no_delay);
  ~Listener() override;

  void start();
  /// Closes the socket: on `io`'s thread, or when that has stopped.
  void stop();
  /// "tcp4:0.0.0.0:8080"
  const std::string& address() const { return address_; }
  base::IoThread& io() { return io_; }

  void on_ready(std::uint32_t events) override;

 private:
  void pause();

  base::IoThread& io_;
  int fd_;
  StreamPool& pool_;
  const ProtocolFactory factory_;
  const bool no_delay_;
  bool started_ = false;
  std::string address_;
  base::Timers::Handle timer_;
};

/// What to listen on for TCP.
struct TcpEndpoint {
  int version = 4;                   ///< of IP
  std::string interface;             ///< address or host name; empty: all
  std::vector<std::uint16_t> ports;  ///< the first free one is taken
  int backlog = 50;
  bool shared = false;      ///< SO_REUSEPORT
  int user_timeout_ms = 0;  ///< TCP_USER_TIMEOUT of accepted connections; 0: the kernel's
};

/// Opens a listening socket. Returns it, or -1 and what went wrong in `problem`.
int open_tcp_listener(const TcpEndpoint& endpoint, std::string& problem);

}  // namespace crosspoint::transports
