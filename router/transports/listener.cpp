#include "transports/listener.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>

#include "base/error_text.hpp"
#include "base/log.hpp"
#include "transports/address.hpp"

namespace crosspoint::transports {
namespace {

/// Accepted in one go before other connections get their turn.
constexpr int kAcceptsPerTurn = 64;
/// After the process has run out of descriptors or memory.
constexpr std::chrono::milliseconds kPause{100};

}  // namespace

Listener::Listener(base::IoThread& io, ListeningSocket socket, StreamPool& pool, ProtocolFactory factory)
    : io_(io),
      socket_(std::move(socket)),
      pool_(pool),
      factory_(std::move(factory)),
      address_(own_address(socket_.fd())) {}

Listener::~Listener() { stop(); }

void Listener::start() {
  if (!io_.poller().add(socket_.fd(), *this))
    log::error("{}: cannot be watched: {}", address_, base::error_text(errno));
  started_ = true;
}

void Listener::stop() {
  if (!socket_) return;
  io_.cancel(timer_);
  if (started_) io_.poller().remove(socket_.fd(), *this);
  socket_.close();
}

void Listener::pause() {
  log::warn("{}: cannot accept connections: {}", address_, base::error_text(errno));
  timer_ = io_.after(kPause, [this] { io_.resume(*this); });
}

void Listener::on_ready(std::uint32_t) {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    const int fd = ::accept4(socket_.fd(), reinterpret_cast<sockaddr*>(&address), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == EAGAIN) return;
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) return pause();
      continue;  // that connection was gone before it was accepted
    }
    const int on = 1;
    if (address.ss_family != AF_UNIX) ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    pool_.adopt(fd, own_address(fd), address_text(address, size), factory_);
  }
  io_.poller().again(*this);
}

}  // namespace crosspoint::transports
