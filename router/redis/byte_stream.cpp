#include "redis/byte_stream.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/error_text.hpp"
#include "transports/tls_channel.hpp"

namespace crosspoint::redis {
namespace {

/// What OpenSSL finds, and what it comes from.
std::string explain(const std::string& problem) {
  // "wrong version number": what should be the head of a record is something else.
  if (problem.find("wrong version number") != std::string::npos) return problem + ": the server does not speak TLS";
  if (problem.find("certificate required") != std::string::npos)
    return problem + ": the server asks for one of clients";
  return problem;
}

}  // namespace

ByteStream::ByteStream(int fd) : fd_(fd) {}

ByteStream::ByteStream(int fd, ssl_ctx_st* context, const std::string& host)
    : fd_(fd), tls_(std::make_unique<transports::TlsChannel>(context, fd, host)) {}

ByteStream::~ByteStream() { ::close(fd_); }

bool ByteStream::ready() const { return !tls_ || tls_->established(); }

ssize_t ByteStream::receive(std::span<std::uint8_t> out) {
  const ssize_t got = tls_ ? tls_->receive(out.data(), out.size(), hung_up_) : ::recv(fd_, out.data(), out.size(), 0);
  if (got >= 0 || errno == EINTR) return got;
  if (errno == EAGAIN) {
    if (tls_ && tls_->more()) errno = EINTR;
    return -1;
  }
  const int error = errno;
  problem_ = error == EPROTO && tls_ ? explain(tls_->problem()) : base::error_text(error);
  errno = error;
  return -1;
}

ByteStream::Sent ByteStream::send(base::OutQueue& out) {
  for (;;) {
    if (tls_) tls_->encrypt(out);
    base::OutQueue& wire = tls_ ? tls_->wire() : out;
    if (wire.empty()) {
      if (!tls_ || !tls_->failed()) return Sent::all;
      problem_ = explain(tls_->problem());
      return Sent::failed;
    }
    std::array<iovec, 64> pieces;
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = wire.gather(pieces);
    const ssize_t sent = ::sendmsg(fd_, &message, MSG_NOSIGNAL);
    if (sent >= 0) {
      wire.consume(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN) {
      return Sent::blocked;
    } else if (errno != EINTR) {
      problem_ = base::error_text(errno);
      return Sent::failed;
    }
  }
}

bool ByteStream::owes() const { return tls_ && !tls_->wire().empty(); }

}  // namespace crosspoint::redis
