#include "node/endpoint_sockets.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <string_view>

#include "base/log.hpp"
#include "transports/address.hpp"

namespace crosspoint::node {
namespace {

std::vector<std::uint16_t> ports_of(const settings::TcpEndpoint& endpoint) {
  if (!endpoint.portrange) return {endpoint.port};
  std::vector<std::uint16_t> ports;
  for (unsigned port = endpoint.portrange->first; port <= endpoint.portrange->second; ++port) {
    ports.push_back(static_cast<std::uint16_t>(port));
  }
  return ports;
}

/// Where systemd puts them.
constexpr int kFirst = 3;
constexpr int kMost = 1000;

int number_in(const char* variable) {
  const char* text = std::getenv(variable);
  if (text == nullptr) return 0;
  const std::string_view view(text);
  int number = 0;
  const auto [end, error] = std::from_chars(view.data(), view.data() + view.size(), number);
  return error == std::errc() && end == view.data() + view.size() ? number : 0;
}

bool listens(int fd) {
  int value = 0;
  socklen_t size = sizeof value;
  return ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &size) == 0 && value != 0;
}

bool has_port(const settings::TcpEndpoint& endpoint, unsigned port) {
  return endpoint.portrange ? port >= endpoint.portrange->first && port <= endpoint.portrange->second
                            : port == endpoint.port;
}

bool is_for(int fd, const settings::Endpoint& endpoint) {
  if (const auto* local = std::get_if<settings::UnixEndpoint>(&endpoint)) {
    return transports::own_address(fd) == "unix:" + local->path;
  }
  const auto& tcp = std::get<settings::TcpEndpoint>(endpoint);
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return false;
  if (address.ss_family == AF_INET && tcp.version == 4) {
    const auto& tcp4 = reinterpret_cast<const sockaddr_in&>(address);
    in_addr wanted{};
    return has_port(tcp, ntohs(tcp4.sin_port)) &&
           (tcp.interface.empty() ||
            (::inet_pton(AF_INET, tcp.interface.c_str(), &wanted) == 1 && wanted.s_addr == tcp4.sin_addr.s_addr));
  }
  if (address.ss_family != AF_INET6) return false;
  const auto& tcp6 = reinterpret_cast<const sockaddr_in6&>(address);
  if (!has_port(tcp, ntohs(tcp6.sin6_port))) return false;
  // "ListenStream=8080" is one socket for both versions of IP.
  if (tcp.interface.empty()) return tcp.version == 6 || IN6_IS_ADDR_UNSPECIFIED(&tcp6.sin6_addr);
  in6_addr wanted{};
  return ::inet_pton(AF_INET6, tcp.interface.c_str(), &wanted) == 1 && IN6_ARE_ADDR_EQUAL(&wanted, &tcp6.sin6_addr);
}

}  // namespace

transports::ListeningSocket open_socket(const settings::Endpoint& endpoint, std::string& problem) {
  if (const auto* local = std::get_if<settings::UnixEndpoint>(&endpoint)) {
    return transports::open_unix_socket(local->path, local->backlog, local->permissions, problem);
  }
  const auto& tcp = std::get<settings::TcpEndpoint>(endpoint);
  transports::TcpEndpoint open;
  open.version = tcp.version;
  open.interface = tcp.interface;
  open.ports = ports_of(tcp);
  open.backlog = tcp.backlog;
  open.shared = tcp.shared;
  open.user_timeout_ms = static_cast<int>(tcp.user_timeout);
  return transports::open_tcp_socket(open, problem);
}

InheritedSockets InheritedSockets::from_environment() {
  InheritedSockets inherited;
  const int count = number_in("LISTEN_PID") == ::getpid() ? number_in("LISTEN_FDS") : 0;
  for (const char* variable : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) ::unsetenv(variable);
  for (int fd = kFirst; fd < kFirst + count && fd < kFirst + kMost; ++fd) {
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
    if (listens(fd)) inherited.sockets_.emplace_back(fd);
  }
  return inherited;
}

transports::ListeningSocket InheritedSockets::take(const settings::Endpoint& endpoint) {
  for (auto at = sockets_.begin(); at != sockets_.end(); ++at) {
    if (!is_for(at->fd(), endpoint)) continue;
    transports::ListeningSocket socket = std::move(*at);
    sockets_.erase(at);
    return socket;
  }
  return {};
}

void InheritedSockets::close_rest() {
  for (const auto& socket : sockets_) {
    log::warn("no endpoint is for the socket {} that systemd has opened", transports::own_address(socket.fd()));
  }
  sockets_.clear();
}

}  // namespace crosspoint::node
