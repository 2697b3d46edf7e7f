#pragma once

#include <sys/socket.h>

#include <string>

namespace crosspoint::transports {

/// A socket address as Crossbar writes it: "tcp4:127.0.0.1:48638", "tcp6:[::1]:48638",
/// "unix:/path", or "unix" for a Unix socket without a name.
std::string address_text(const sockaddr_storage& address, socklen_t size);

/// The address of a socket's own end; empty if the kernel does not tell.
std::string own_address(int fd);

}  // namespace crosspoint::transports
