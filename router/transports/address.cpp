#include "transports/address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <array>
#include <cstddef>
#include <cstring>

namespace crosspoint::transports {

std::string address_text(const sockaddr_storage& address, socklen_t size) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.ss_family == AF_INET) {
    const auto& tcp4 = reinterpret_cast<const sockaddr_in&>(address);
    ::inet_ntop(AF_INET, &tcp4.sin_addr, text.data(), text.size());
    return std::string("tcp4:") + text.data() + ":" + std::to_string(ntohs(tcp4.sin_port));
  }
  if (address.ss_family == AF_INET6) {
    const auto& tcp6 = reinterpret_cast<const sockaddr_in6&>(address);
    ::inet_ntop(AF_INET6, &tcp6.sin6_addr, text.data(), text.size());
    return std::string("tcp6:[") + text.data() + "]:" + std::to_string(ntohs(tcp6.sin6_port));
  }
  if (address.ss_family == AF_UNIX) {
    const auto& local = reinterpret_cast<const sockaddr_un&>(address);
    const std::size_t length = size > offsetof(sockaddr_un, sun_path) ? size - offsetof(sockaddr_un, sun_path) : 0;
    const std::string path(local.sun_path, ::strnlen(local.sun_path, length));
    return path.empty() ? "unix" : "unix:" + path;
  }
  return {};
}

std::string own_address(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
  return address_text(address, size);
}

std::string ip_of(std::string_view address) {
  if (!address.starts_with("tcp")) return {};
  const auto first = address.find(':');
  const auto last = address.rfind(':');
  if (first == std::string_view::npos || last <= first) return {};
  std::string_view ip = address.substr(first + 1, last - first - 1);
  if (ip.starts_with('[') && ip.ends_with(']')) ip = ip.substr(1, ip.size() - 2);
  return std::string(ip);
}

}  // namespace crosspoint::transports
