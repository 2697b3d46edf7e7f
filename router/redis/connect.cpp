#include "redis/connect.hpp"

#include <fmt/core.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <system_error>

namespace crosspoint::redis {
namespace {

using Clock = std::chrono::steady_clock;

/// How long canceling may go unnoticed.
constexpr std::chrono::milliseconds kSlice{50};

int connect_address(const addrinfo& address, std::chrono::milliseconds patience, const std::atomic<bool>& canceled,
                    std::string& problem) {
  const int fd = ::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    problem = std::generic_category().message(errno);
    return -1;
  }
  int error = ::connect(fd, address.ai_addr, address.ai_addrlen) == 0 ? 0 : errno;
  if (error == EINPROGRESS) {
    socklen_t size = sizeof error;
    if (!wait_for(fd, POLLOUT, patience, canceled)) {
      error = ETIMEDOUT;
    } else if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) {
      error = errno;
    }
  }
  if (error != 0) {
    problem = std::generic_category().message(error);
    ::close(fd);
    return -1;
  }
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  return fd;
}

}  // namespace

bool wait_for(int fd, short events, std::chrono::milliseconds patience, const std::atomic<bool>& canceled) {
  const auto end = Clock::now() + patience;
  while (!canceled.load(std::memory_order_relaxed)) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now());
    if (left.count() <= 0) return false;
    pollfd asked{fd, events, 0};
    if (::poll(&asked, 1, static_cast<int>(std::min(left, kSlice).count())) > 0) return true;
  }
  return false;
}

int connect_tcp(const std::string& host, std::uint16_t port, std::chrono::milliseconds patience,
                const std::atomic<bool>& canceled, std::string& problem) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, &::freeaddrinfo);
  if (error != 0) {
    problem = fmt::format("the host is not known: {}", ::gai_strerror(error));
    return -1;
  }
  for (const addrinfo* address = addresses.get(); address != nullptr; address = address->ai_next) {
    if (canceled.load(std::memory_order_relaxed)) break;
    const int fd = connect_address(*address, patience, canceled, problem);
    if (fd >= 0) return fd;
  }
  return -1;
}

}  // namespace crosspoint::redis
