#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace crosspoint::transports {

/// A socket that listens, non-blocking. Closes it at the end, and removes the file of a Unix socket.
class ListeningSocket {
 public:
  ListeningSocket() = default;
  explicit ListeningSocket(int fd) : fd_(fd) {}
  ListeningSocket(ListeningSocket&& other) noexcept { swap(other); }
  ListeningSocket& operator=(ListeningSocket&& other) noexcept {
    swap(other);
    return *this;
  }
  ~ListeningSocket() { close(); }

  explicit operator bool() const { return fd_ >= 0; }
  int fd() const { return fd_; }
  /// `path` has just been bound to: close() removes it if it is still the same file.
  void own_file(std::string path);
  void close();

 private:
  void swap(ListeningSocket& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(path_, other.path_);
    std::swap(inode_, other.inode_);
  }

  int fd_ = -1;
  std::string path_;
  ino_t inode_ = 0;
};

/// What to listen on for TCP.
struct TcpEndpoint {
  int version = 4;                   ///< of IP
  std::string interface;             ///< address or host name; empty: all
  std::vector<std::uint16_t> ports;  ///< the first free one is taken
  int backlog = 50;
  bool shared = false;      ///< SO_REUSEPORT
  int user_timeout_ms = 0;  ///< TCP_USER_TIMEOUT of accepted connections; 0: the kernel's
};

/// Opens a listening socket. If that is not possible, `problem` says why and the result holds nothing.
ListeningSocket open_tcp_socket(const TcpEndpoint& endpoint, std::string& problem);

/// The same for a Unix socket whose file gets the permissions `mode`. A socket at that path that nobody listens on is
/// replaced; anything else that is there stays, and is a problem.
ListeningSocket open_unix_socket(const std::string& path, int backlog, mode_t mode, std::string& problem);

}  // namespace crosspoint::transports
