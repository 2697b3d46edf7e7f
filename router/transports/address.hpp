#pragma once

#include <sys/socket.h>

#include <string>
#include <string_view>

namespace crosspoint::transports {

/// A socket address as Crossbar writes it: "tcp4:127.0.0.1:48638", "tcp6:[::1]:48638",
/// "unix:/path", or "unix" for a Unix socket without a name.
std::string address_text(const sockaddr_storage& address, socklen_t size);

/// The IP address in such a text: "127.0.0.1", "::1"; empty for Unix sockets.
std::string ip_of(std::string_view address);

/// The address of a socket's own end; empty if the kernel does not tell.
std::string own_address(int fd);

}  // namespace crosspoint::transports
