#include "transports/listening_socket.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "base/error_text.hpp"

namespace crosspoint::transports {
namespace {

struct FreeAddresses {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

ListeningSocket make_socket(int family, std::string& problem) {
  ListeningSocket socket(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) problem = base::error_text(errno);
  return socket;
}

ListeningSocket listen_on(const addrinfo& address, const TcpEndpoint& endpoint, std::string& problem) {
  ListeningSocket socket = make_socket(address.ai_family, problem);
  if (!socket) return socket;
  const int fd = socket.fd();
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (endpoint.shared) ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  if (address.ai_family == AF_INET6) ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (endpoint.user_timeout_ms > 0) {
    ::setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &endpoint.user_timeout_ms, sizeof endpoint.user_timeout_ms);
  }
  if (::bind(fd, address.ai_addr, address.ai_addrlen) == 0 && ::listen(fd, endpoint.backlog) == 0) return socket;
  problem = base::error_text(errno);
  return {};
}

/// What is wrong with a file that is in the way of a Unix socket; empty if it may be removed.
std::string obstacle(const sockaddr_un& address) {
  struct stat file {};
  if (::lstat(address.sun_path, &file) != 0) return errno == ENOENT ? std::string() : base::error_text(errno);
  if (!S_ISSOCK(file.st_mode)) return "there is a file of that name that is not a socket";
  const ListeningSocket probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (::connect(probe.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 || errno == EAGAIN) {
    return "another process listens on it";
  }
  return errno == ECONNREFUSED || errno == ENOENT ? std::string() : base::error_text(errno);
}

}  // namespace

void ListeningSocket::own_file(std::string path) {
  struct stat file {};
  if (::lstat(path.c_str(), &file) != 0) return;
  path_ = std::move(path);
  inode_ = file.st_ino;
}

void ListeningSocket::close() {
  if (fd_ < 0) return;
  // Another process may have put its own socket there in the meantime.
  struct stat file {};
  if (!path_.empty() && ::lstat(path_.c_str(), &file) == 0 && file.st_ino == inode_) ::unlink(path_.c_str());
  ::close(fd_);
  fd_ = -1;
}

ListeningSocket open_tcp_socket(const TcpEndpoint& endpoint, std::string& problem) {
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
      return {};
    }
    const std::unique_ptr<addrinfo, FreeAddresses> addresses(found);
    if (auto socket = listen_on(*addresses, endpoint, problem)) return socket;
  }
  return {};
}

ListeningSocket open_unix_socket(const std::string& path, int backlog, mode_t mode, std::string& problem) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    problem =
        "the path is longer than the " + std::to_string(sizeof address.sun_path - 1) + " bytes that the system allows";
    return {};
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  problem = obstacle(address);
  if (!problem.empty()) return {};
  ::unlink(path.c_str());
  ListeningSocket socket = make_socket(AF_UNIX, problem);
  if (!socket) return {};
  if (::bind(socket.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    socket.own_file(path);
    // Nobody can connect before listen(), so that the permissions are never wider than they are to be.
    if (::chmod(path.c_str(), mode) == 0 && ::listen(socket.fd(), backlog) == 0) return socket;
  }
  problem = base::error_text(errno);
  return {};
}

}  // namespace crosspoint::transports
