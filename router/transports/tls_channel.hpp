#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>

#include "base/out_queue.hpp"
#include "transports/message_port.hpp"

struct bio_method_st;
struct bio_st;
struct ssl_ctx_st;
struct ssl_st;

namespace crosspoint::transports {

/// TLS on one connection, on the side that its context is for: ciphertext is read from the socket, and gathers in a
/// queue of its own to be written. Belongs to the connection's thread.
class TlsChannel {
 public:
  /// Ciphertext made ahead of what the kernel takes. The rest stays in the plain queue, which limits are set for.
  static constexpr std::size_t kMaxWire = 256 * 1024;

  /// `host`, for a client: the name or address that the server's certificate has to be for, if the context verifies it.
  TlsChannel(ssl_ctx_st* context, int fd, const std::string& host = {});
  ~TlsChannel();
  TlsChannel(const TlsChannel&) = delete;
  TlsChannel& operator=(const TlsChannel&) = delete;

  /// As recv(): fills `out` with plaintext as far as the socket has it. Returns how much, 0 when the peer has ended the
  /// connection, or -1 with errno, which is EPROTO if problem() says what is wrong. `hung_up`: the peer has sent its
  /// last byte.
  ssize_t receive(std::uint8_t* out, std::size_t size, bool hung_up);

  /// Moves plaintext to wire(), in records as full as possible and up to kMaxWire. Nothing moves before the handshake
  /// is done.
  void encrypt(base::OutQueue& plain);
  /// Announces the end of our output, once.
  void shut_down();
  /// What is to be written to the socket.
  base::OutQueue& wire() { return wire_; }

  /// True once the handshake is done.
  bool established() const { return established_; }
  /// True if encrypt() moves plaintext.
  bool can_write() const { return established_ && !shut_down_ && !failed_; }
  /// True if receive() left something in the kernel that nothing will announce: it reads a bounded amount in one go.
  bool more() const { return more_; }
  bool failed() const { return failed_; }
  const std::string& problem() const { return problem_; }
  void describe(TransportInfo& info) const;

 private:
  friend struct TlsSocket;
  struct FreeSsl {
    void operator()(ssl_st* ssl) const;
  };

  void write(const std::uint8_t* bytes, std::size_t size);
  void fail();

  std::unique_ptr<ssl_st, FreeSsl> ssl_;
  const int fd_;
  base::OutQueue wire_;
  std::string problem_;
  bool established_ = false;
  bool hung_up_ = false;
  bool empty_ = false;  // the kernel has no more for now
  bool more_ = false;
  std::size_t budget_ = 0;  // ciphertext that receive() may still read
  int error_ = 0;           // of the socket
  bool ended_ = false;      // the peer has ended its output
  bool failed_ = false;
  bool shut_down_ = false;
};

}  // namespace crosspoint::transports
