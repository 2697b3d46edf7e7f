#include "transports/listener.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <memory>
#include <system_error>

#include "base/log.hpp"
#include "transports/address.hpp"

namespace crosspoint::transports {
namespace {

/// Accepted in one go before other connections get their turn.
constexpr int kAcceptsPerTurn = 64;
/// After the process has run out of descriptors or memory.
constexpr std::chrono::milliseconds kPause{100};

std::string error_text(int number) { return std::generic_category().message(number); }

struct FreeAddresses {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

int listen_on(const addrinfo& address, const TcpEndpoint& endpoint, std::string& problem) {
  const int fd = ::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    problem = error_text(errno);
    return -1;
  }
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (endpoint.shared) ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  if (address.ai_family == AF_INET6) ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (endpoint.user_timeout_ms > 0) {
    ::setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &endpoint.user_timeout_ms, sizeof endpoint.user_timeout_ms);
  }
  if (::bind(fd, address.ai_addr, address.ai_addrlen) == 0 && ::listen(fd, endpoint.backlog) == 0) return fd;
  problem = error_text(errno);
  ::close(fd);
  return -1;
}

}  // namespace

int open_tcp_listener(const TcpEndpoint& endpoint, std::string& problem) {
  addrinfo hints{};
  hints.ai_family = endpoint.version == 6 ? AF_INET6 : AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  for (const std::uint16_t port : endpoint.ports) {
    addrinfo* found = nullptr;
    const char* host = endpoint.interface.empty() ? nullptr : endpoint.interface.c_str();
    const int error = ::getaddrinfo(host, std::to_string(port).c_str(), &hints, &found);
    if (error != 0) {
      problem = std::string(::gai_strerror(error));
      return -1;
    }
    const std::unique_ptr<addrinfo, FreeAddresses> addresses(found);
    const int fd = listen_on(*addresses, endpoint, problem);
    if (fd >= 0) return fd;
  }
  return -1;
}

Listener::Listener(base::IoThread& io, int fd, StreamPool& pool, ProtocolFactory factory, bool no_delay)
    : io_(io), fd_(fd), pool_(pool), factory_(std::move(factory)), no_delay_(no_delay), address_(own_address(fd)) {}

Listener::~Listener() { stop(); }

void Listener::start() {
  if (!io_.poller().add(fd_, *this)) log::error("{}: cannot be watched: {}", address_, error_text(errno));
  started_ = true;
}

void Listener::stop() {
  if (fd_ < 0) return;
  io_.cancel(timer_);
  if (started_) io_.poller().remove(fd_, *this);
  ::close(fd_);
  fd_ = -1;
}

void Listener::pause() {
  log::warn("{}: cannot accept connections: {}", address_, error_text(errno));
  timer_ = io_.after(kPause, [this] { io_.resume(*this); });
}

void Listener::on_ready(std::uint32_t) {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    const int fd = ::accept4(fd_, reinterpret_cast<sockaddr*>(&address), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == EAGAIN) return;
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) return pause();
      continue;  // that connection was gone before it was accepted
    }
    const int on = 1;
    if (no_delay_ && address.ss_family != AF_UNIX) ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    pool_.adopt(fd, own_address(fd), address_text(address, size), factory_);
  }
  io_.poller().again(*this);
}

}  // namespace crosspoint::transports
