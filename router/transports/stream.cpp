#include "transports/stream.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <system_error>

#include "transports/message_port.hpp"

namespace crosspoint::transports {
namespace {

/// How long a finished connection may take to send the rest and to close its own end.
constexpr std::chrono::seconds kFinishTime{5};

std::string error_text(int number) { return std::generic_category().message(number); }

}  // namespace

Stream::Stream(StreamSet& set, int fd, std::string own_address, std::string peer_address)
    : set_(set), fd_(fd), own_address_(std::move(own_address)), peer_address_(std::move(peer_address)) {}

Stream::~Stream() {
  io().cancel(finish_timer_);
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

bool Stream::received(ssize_t size) {
  readable_ = false;
  if (size > 0) return true;
  if (size == 0) {
    close("the peer closed the connection");
  } else if (errno != EAGAIN && errno != EINTR) {
    close(error_text(errno));
  } else if (errno == EINTR) {
    io().resume(*this);
  }
  return false;
}

void Stream::read() {
  const auto buffer = io().read_buffer();
  const std::size_t left = kept_ ? kept_->size() : 0;
  if (left > 0) std::memcpy(buffer.data(), kept_->data(), left);
  const std::size_t room = buffer.size() - left;
  const ssize_t got = ::recv(fd_, buffer.data() + left, room, 0);
  if (!received(got)) return;
  // A full buffer, or a peer that has hung up, means that there may be more than what the kernel announced.
  const bool more = static_cast<std::size_t>(got) == room || hung_up_;
  kept_.reset();
  process(buffer.first(left + static_cast<std::size_t>(got)));
  if (!more || closed()) return;
  readable_ = true;
  if (!paused_) io().poller().again(*this);
}

void Stream::read_large() {
  const std::size_t room = large_ - kept_->size();  // not a byte more: the piece is kept as a whole
  const ssize_t got = ::recv(fd_, kept_->data() + kept_->size(), room, 0);
  if (!received(got)) return;
  kept_->set_size(kept_->size() + static_cast<std::uint32_t>(got));
  if (static_cast<std::size_t>(got) == room) {
    const base::ChunkRef piece = std::move(kept_);
    large_ = 0;
    if (finishing_) return;
    const std::span<std::uint8_t> bytes{piece->data(), piece->size()};
    const std::size_t used = protocol_->on_bytes(bytes, piece);
    if (closed()) return;
    if (used < bytes.size()) keep(bytes.subspan(used));
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
  if (!bytes.empty() && !finishing_) keep(bytes);
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
  finish_timer_ = io().after(kFinishTime, [this] { close(finish_reason_); });
  wake();
  if (readable_) io().resume(*this);
}

void Stream::close(std::string_view reason) {
  if (closed()) return;
  io().poller().remove(fd_, *this);
  ::close(fd_);
  fd_ = -1;
  out_.clear();
  io().cancel(finish_timer_);
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

void Stream::flush() {
  dirty_ = false;
  if (closed() || blocked_) return;
  std::array<iovec, 64> pieces;
  while (!out_.empty()) {
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = out_.gather(pieces);
    const ssize_t sent = ::sendmsg(fd_, &message, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN) return close(error_text(errno));
      blocked_ = true;
      return;
    }
    out_.consume(static_cast<std::size_t>(sent));
  }
  drained();
}

StreamSet::~StreamSet() { io_.forget(*this); }

Stream* StreamSet::add(int fd, std::string own_address, std::string peer_address) {
  auto stream = std::make_unique<Stream>(*this, fd, std::move(own_address), std::move(peer_address));
  if (!io_.poller().add(fd, *stream)) return nullptr;
  stream->place_ = static_cast<std::uint32_t>(streams_.size());
  streams_.push_back(std::move(stream));
  return streams_.back().get();
}

void StreamSet::need_turn_end() {
  if (turn_end_asked_) return;
  turn_end_asked_ = true;
  io_.at_turn_end(*this);
}

void StreamSet::mark_dirty(Stream& stream) {
  dirty_.push_back(&stream);
  need_turn_end();
}

void StreamSet::retire(Stream& stream) {
  const std::uint32_t place = stream.place_;
  closed_.push_back(std::move(streams_[place]));
  if (place + 1 != streams_.size()) {
    streams_[place] = std::move(streams_.back());
    streams_[place]->place_ = place;
  }
  streams_.pop_back();
  if (count_ != nullptr) count_->fetch_sub(1, std::memory_order_relaxed);
  need_turn_end();
}

void StreamSet::close_all(std::string_view reason) {
  while (!streams_.empty()) streams_.back()->close(reason);
}

void StreamSet::clear() {
  dirty_.clear();
  replaced_.clear();
  closed_.clear();
  streams_.clear();
}

void StreamSet::on_turn_end() {
  turn_end_asked_ = false;
  for (std::size_t i = 0; i < dirty_.size(); ++i) dirty_[i]->flush();  // closing one may wake others
  dirty_.clear();
  replaced_.clear();
  // Destroying a protocol may close nothing further, but protocols may be destroyed in any order.
  std::vector<std::unique_ptr<Stream>> closed;
  closed.swap(closed_);
}

}  // namespace crosspoint::transports
