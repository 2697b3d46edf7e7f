#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/out_queue.hpp"

struct ssl_ctx_st;

namespace crosspoint::transports {
class TlsChannel;
}

namespace crosspoint::redis {

/// A connection to a server, plain or TLS: bytes go in and come out, and nothing ever waits. May be handed to another
/// thread; belongs to one at a time.
class ByteStream {
 public:
  /// Takes over `fd`, connected and non-blocking.
  explicit ByteStream(int fd);
  /// With TLS: the server's certificate has to be for `host`, a name or an address. The handshake goes on with send()
  /// and receive().
  ByteStream(int fd, ssl_ctx_st* context, const std::string& host);
  ~ByteStream();
  ByteStream(const ByteStream&) = delete;
  ByteStream& operator=(const ByteStream&) = delete;

  int fd() const { return fd_; }
  bool secure() const { return tls_ != nullptr; }
  /// False until the TLS handshake is done; what is sent waits till then.
  bool ready() const;

  /// How much was read; 0 at the end; -1 with errno EAGAIN (the kernel will tell), EINTR (call again), or another one,
  /// for which problem() has a text.
  ssize_t receive(std::span<std::uint8_t> out);
  /// The kernel says that the server has sent its last byte.
  void set_hung_up() { hung_up_ = true; }

  enum class Sent {
    all,  ///< that can go at present
    blocked,
    failed,  ///< problem() has a text
  };
  /// Takes out of `out` what the kernel and TLS take now.
  Sent send(base::OutQueue& out);
  /// TLS itself has something to say: call send().
  bool owes() const;

  const std::string& problem() const { return problem_; }

 private:
  const int fd_;
  std::unique_ptr<transports::TlsChannel> tls_;
  bool hung_up_ = false;
  std::string problem_;
};

}  // namespace crosspoint::redis
