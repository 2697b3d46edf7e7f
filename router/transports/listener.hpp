#pragma once

#include <string>

#include "base/io_thread.hpp"
#include "base/poller.hpp"
#include "transports/listening_socket.hpp"
#include "transports/stream_pool.hpp"

namespace crosspoint::transports {

/// A listening socket on an I/O thread: accepts connections and gives them to the pool.
class Listener final : public base::Pollable {
 public:
  /// Watching begins with start(), on `io`'s thread.
  Listener(base::IoThread& io, ListeningSocket socket, StreamPool& pool, ProtocolFactory factory);
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
  ListeningSocket socket_;
  StreamPool& pool_;
  const ProtocolFactory factory_;
  bool started_ = false;
  std::string address_;
  base::Timers::Handle timer_;
};

}  // namespace crosspoint::transports
