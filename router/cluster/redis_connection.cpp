#include "cluster/redis_connection.hpp"

#include <cerrno>

namespace crosspoint::cluster {
namespace {

/// What is read before others of the thread have their turn.
constexpr int kReads = 16;

}  // namespace

RedisConnection::RedisConnection(base::IoThread& io, std::unique_ptr<redis::ByteStream> stream, User& user)
    : io_(io), stream_(std::move(stream)), user_(user) {
  io_.poller().add(stream_->fd(), *this);
}

RedisConnection::~RedisConnection() { io_.poller().remove(stream_->fd(), *this); }

void RedisConnection::send(std::span<const std::string_view> command) {
  if (!lost_) redis::append_command(out_, command);
}

void RedisConnection::flush() {
  if (lost_ || blocked_) return;
  const auto sent = stream_->send(out_);
  blocked_ = sent == redis::ByteStream::Sent::blocked;
  if (sent == redis::ByteStream::Sent::failed) lose(stream_->problem());
}

void RedisConnection::resume() {
  if (!paused_) return;
  paused_ = false;
  if (readable_ && !lost_) io_.resume(*this);
}

void RedisConnection::on_ready(std::uint32_t events) {
  if (lost_) return;
  if ((events & EPOLLOUT) != 0 && blocked_) {
    blocked_ = false;
    flush();
  }
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) == 0) return;
  if ((events & (EPOLLRDHUP | EPOLLHUP)) != 0) stream_->set_hung_up();
  readable_ = true;
  read();
}

void RedisConnection::read() {
  const auto buffer = io_.read_buffer();
  for (int i = 0; i < kReads && !lost_ && !paused_; ++i) {
    const ssize_t got = stream_->receive(buffer);
    const int error = errno;
    if (stream_->owes()) flush();
    if (got > 0) {
      take_replies(buffer.first(static_cast<std::size_t>(got)));
    } else if (got == 0) {
      return lose("Redis closed the connection");
    } else if (error == EAGAIN) {
      readable_ = false;
      return;
    } else if (error != EINTR) {
      return lose(stream_->problem());
    }
  }
  if (!lost_ && !paused_) io_.resume(*this);
}

void RedisConnection::take_replies(std::span<const std::uint8_t> bytes) {
  if (!reader_.feed(bytes)) return lose(reader_.problem());
  while (!lost_) {
    const redis::Reply reply = reader_.next();
    if (reply) {
      user_.on_reply(*this, *reply);
    } else {
      if (!reader_.problem().empty()) lose(reader_.problem());
      return;
    }
  }
}

void RedisConnection::lose(std::string_view why) {
  if (lost_) return;
  lost_ = true;
  user_.on_lost(*this, why);
}

}  // namespace crosspoint::cluster
