/// Everything that a connection may send: RawSocket or HTTP, the WebSocket handshake, frames, WAMP messages. The first
/// byte says in pieces of which size the rest arrives.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "auth/methods.hpp"
#include "base/io_thread.hpp"
#include "connection/endpoint.hpp"
#include "connection/router.hpp"
#include "fuzz.hpp"
#include "realm/permissions.hpp"
#include "settings/auth.hpp"
#include "settings/transport.hpp"
#include "transports/stream.hpp"
#include "transports/universal_protocol.hpp"
#include "transports/websocket_service.hpp"

using namespace crosspoint;
using fuzz::require;

namespace {

/// A router of one thread that is never started: what is ready is run by poll().
class World {
 public:
  World() : io_(0), streams_(io_), router_({&io_}, {"node", "worker"}) {
    io_.post([this] { io_.stop(); });
    io_.run();  // makes this thread the I/O thread
    io_.context().restart();
    realm::Realm* realm = router_.add_realm("realm1", {});
    realm->add_role("anonymous", realm::make_fixed_authorizer({true, false}));
    connection::AuthMethods methods;
    methods.emplace_back("anonymous", auth::make_anonymous({"anonymous", {}}));
    endpoint_ = std::make_unique<connection::Endpoint>(router_, std::move(methods));
    settings::WebSocket settings;
    settings.options.compression = settings::Deflate{};
    service_ = std::make_unique<transports::WebSocketService>(settings, *endpoint_);
    settings::RawSocket rawsocket;
    rawsocket.max_message_size = 1024 * 1024;
    rawsocket_ = std::make_unique<transports::RawSocketOptions>(rawsocket, *endpoint_);
    universal_.rawsocket = rawsocket_.get();
    universal_.root = service_.get();
  }

  void poll() {
    while (io_.context().poll() != 0) {
    }
  }

  void connect(int fd) {
    transports::Stream* stream = streams_.add(fd, "tcp4:127.0.0.1:8080", "tcp4:127.0.0.1:50000");
    require(stream != nullptr, "a socket can be watched");
    stream->set_protocol(std::make_unique<transports::UniversalProtocol>(*stream, universal_));
  }

  std::size_t connections() const { return streams_.size(); }
  std::size_t sessions() const { return router_.session_count(); }

 private:
  base::IoThread io_;
  transports::StreamSet streams_;
  connection::Router router_;
  std::unique_ptr<connection::Endpoint> endpoint_;
  std::unique_ptr<transports::WebSocketService> service_;
  std::unique_ptr<transports::RawSocketOptions> rawsocket_;
  transports::UniversalOptions universal_;
};

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static World world;
  if (size == 0) return 0;
  std::array<int, 2> ends{};
  require(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) == 0, "there are sockets");
  world.connect(ends[0]);
  const std::size_t piece = data[0] == 0 ? size : data[0];
  std::array<char, 65536> answer{};
  for (std::size_t at = 1; at < size;) {
    const auto sent = ::send(ends[1], data + at, std::min(piece, size - at), MSG_NOSIGNAL);
    world.poll();
    while (::recv(ends[1], answer.data(), answer.size(), 0) > 0) world.poll();
    if (sent <= 0) break;  // the router has closed
    at += static_cast<std::size_t>(sent);
  }
  ::close(ends[1]);
  world.poll();
  require(world.connections() == 0, "a connection whose peer is gone is gone");
  require(world.sessions() == 0, "a session whose connection is gone is gone");
  return 0;
}
