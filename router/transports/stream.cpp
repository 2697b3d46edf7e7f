#include "transports/stream.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "base/error_text.hpp"
#include "base/log.hpp"
#include "transports/message_port.hpp"
#include "transports/tls_context.hpp"

namespace crosspoint::transports {
namespace {

/// How long a finished connection may take to send the rest and to close its own end.
constexpr std::chrono::seconds kFinishTime{5};
/// From connecting to the end of the TLS handshake.
constexpr std::chrono::seconds kTlsTime{10};

}  // namespace

Stream::Stream(StreamSet& set, int fd, std::string own_address, std::string peer_address)
    : set_(set), fd_(fd), own_address_(std::move(own_address)), peer_address_(std::move(peer_address)) {}

Stream::~Stream() {
  io().cancel(timer_);
  if (fd_ >= 0) {
    io().poller().remove(fd_, *this);
    ::close(fd_);
  }
}

base::IoThread& Stream::io() { return set_.io_; }

void Stream::describe(TransportInfo& info) const {
  info.own_address = own_address_;
  info.peer_address = peer_address_;
  info.fd = fd_;
  if (tls_) tls_->describe(info);
}

void Stream::set_no_delay(bool on) {
  const int value = on ? 1 : 0;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &value, sizeof value);
}

void Stream::start_tls(const TlsContext& context) {
  tls_ = std::make_unique<TlsChannel>(context.current().get(), fd_);
  timer_ = io().after(kTlsTime, [this] { close("no TLS handshake in time"); });
}

void Stream::set_protocol(std::unique_ptr<Protocol> protocol) {
  if (protocol_) {
    set_.replaced_.push_back(std::move(protocol_));  // it may be the caller
    set_.need_turn_end();
  }
  protocol_ = std::move(protocol);
}

void Stream::wake() {
  if (dirty_ || closed()) return;
  dirty_ = true;
  set_.mark_dirty(*this);
}

void Stream::pause() { paused_ = true; }

void Stream::resume() {
  if (!paused_) return;
  paused_ = false;
  if (std::exchange(stopped_, false)) offer_again();
  if (readable_ && !closed()) io().resume(*this);
}

void Stream::offer_again() {
  if (closed() || offer_again_) return;
  offer_again_ = true;
  io().resume(*this);
}

void Stream::on_ready(std::uint32_t events) {
  if (closed()) return;
  if ((events & EPOLLOUT) != 0 && blocked_) {
    blocked_ = false;
    wake();
  }
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) hung_up_ = true;
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) == 0) return;
  if (offer_again_ && large_ == 0) {
    offer_again_ = false;
    if (kept_) {
      const base::ChunkRef rest = std::move(kept_);
      const auto buffer = io().read_buffer();
      std::memcpy(buffer.data(), rest->data(), rest->size());
      process(buffer.first(rest->size()));
      if (closed()) return;
    }
  }
  if (paused_) {
    readable_ = true;
  } else if (large_ > 0) {
    read_large();
  } else {
    read();
  }
}

ssize_t Stream::receive(std::uint8_t* space, std::size_t size) {
  // What comes after the end of our output is only thrown away.
  if (!tls_ || finishing_) return ::recv(fd_, space, size, 0);
  const bool established = tls_->established();
  const ssize_t got = tls_->receive(space, size, hung_up_);
  const int error = errno;
  if (!established && tls_->established()) io().cancel(timer_);
  if (!tls_->wire().empty() || (!established && tls_->established())) wake();
  errno = error;
  return got;
}

bool Stream::received(ssize_t size) {
  readable_ = false;
  if (size > 0) return true;
  if (size == 0) {
    close("the peer closed the connection");
  } else if (errno == EPROTO && tls_ && !finishing_) {
    if (!tls_->established()) log::info("{}: {}", peer_address_, tls_->problem());
    finish(tls_->problem());  // so that the alert that explains it arrives
  } else if (errno != EAGAIN && errno != EINTR) {
    close(base::error_text(errno));
  } else if (errno == EINTR || (tls_ && tls_->more())) {
    readable_ = true;
    if (!paused_) io().resume(*this);
  }
  return false;
}

void Stream::read() {
  const auto buffer = io().read_buffer();
  const std::size_t left = kept_ ? kept_->size() : 0;
  if (left > 0) std::memcpy(buffer.data(), kept_->data(), left);
  const std::size_t room = buffer.size() - left;
  const ssize_t got = receive(buffer.data() + left, room);
  if (!received(got)) return;
  // A full buffer, or a peer that has hung up, means that there may be more than what the kernel announced.
  const bool more = static_cast<std::size_t>(got) == room || hung_up_ || (tls_ && tls_->more());
  kept_.reset();
  process(buffer.first(left + static_cast<std::size_t>(got)));
  if (!more || closed()) return;
  readable_ = true;
  if (!paused_) io().poller().again(*this);
}

void Stream::read_large() {
  const std::size_t room = large_ - kept_->size();  // not a byte more: the piece is kept as a whole
  const ssize_t got = receive(kept_->data() + kept_->size(), room);
  if (!received(got)) return;
  kept_->set_size(kept_->size() + static_cast<std::uint32_t>(got));
  if (static_cast<std::size_t>(got) == room) {
    const base::ChunkRef piece = std::move(kept_);
    large_ = 0;
    if (finishing_) return;
    const std::span<std::uint8_t> bytes{piece->data(), piece->size()};
    const std::size_t used = protocol_->on_bytes(bytes, piece);
    if (closed()) return;
    if (used < bytes.size()) {
      stopped_ = paused_;
      keep(bytes.subspan(used));
    }
  }
  readable_ = true;  // what follows the piece was left in the kernel
  if (!paused_) io().poller().again(*this);
}

void Stream::process(std::span<std::uint8_t> bytes) {
  const base::ChunkRef nobody;
  while (!bytes.empty() && !finishing_) {
    const Protocol* before = protocol_.get();
    const std::size_t used = protocol_->on_bytes(bytes, nobody);
    if (closed()) return;
    bytes = bytes.subspan(used);
    if (protocol_.get() == before) break;  // else the new protocol goes on where the old one stopped
  }
  if (bytes.empty() || finishing_) return;
  stopped_ = paused_;
  keep(bytes);
}

void Stream::keep(std::span<const std::uint8_t> rest) {
  const std::size_t wanted = protocol_->bytes_wanted();
  large_ = wanted > kLargePiece && wanted > rest.size() ? wanted : 0;
  kept_ = base::ChunkRef::make(large_ > 0 ? large_ + base::IoThread::kReadPadding : rest.size());
  std::memcpy(kept_->data(), rest.data(), rest.size());
  kept_->set_size(static_cast<std::uint32_t>(rest.size()));
}

void Stream::finish(std::string_view reason) {
  if (finishing_ || closed()) return;
  finishing_ = true;
  finish_reason_ = reason;
  kept_.reset();
  large_ = 0;
  paused_ = false;
  io().cancel(timer_);
  timer_ = io().after(kFinishTime, [this] { close(finish_reason_); });
  wake();
  if (readable_) io().resume(*this);
}

void Stream::close(std::string_view reason) {
  if (closed()) return;
  io().poller().remove(fd_, *this);
  ::close(fd_);
  fd_ = -1;
  out_.clear();
  io().cancel(timer_);
  const std::string text(finishing_ ? std::string_view(finish_reason_) : reason);
  set_.retire(*this);
  if (protocol_) protocol_->on_closed(text);
}

void Stream::drained() {
  if (!finishing_) return protocol_->on_drained();
  if (shut_down_) return;
  // Closing outright would make the kernel discard what the peer has not read yet if input is still waiting here.
  shut_down_ = true;
  ::shutdown(fd_, SHUT_WR);
  if (hung_up_) close(finish_reason_);
}

bool Stream::write_out(base::OutQueue& queue) {
  std::array<iovec, 64> pieces;
  while (!queue.empty()) {
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = queue.gather(pieces);
    const ssize_t sent = ::sendmsg(fd_, &message, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR) continue;
      blocked_ = errno == EAGAIN;
      if (!blocked_) close(base::error_text(errno));
      return false;
    }
    queue.consume(static_cast<std::size_t>(sent));
  }
  return true;
}

void Stream::flush() {
  dirty_ = false;
  if (closed() || blocked_) return;
  if (asks_before_writing_) protocol_->before_writing();
  if (!tls_) {
    if (write_out(out_)) drained();
    return;
  }
  do {
    tls_->encrypt(out_);
    if (tls_->failed() && !finishing_) return close(tls_->problem());
    if (finishing_ && (out_.empty() || !tls_->established())) tls_->shut_down();
    if (!write_out(tls_->wire())) return;
  } while (!out_.empty() && tls_->can_write());
  if (out_.empty() || finishing_) drained();
}

}  // namespace crosspoint::transports
