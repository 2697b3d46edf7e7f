#include "cluster/redis_connection.hpp"

#include <fmt/format.h>
#include <hiredis/hiredis.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <system_error>

namespace crosspoint::cluster {
namespace {

/// What is read before others of the thread have their turn.
constexpr int kReads = 16;

std::string error_text(int number) { return std::generic_category().message(number); }

}  // namespace

void RedisConnection::Free::operator()(redisReader* reader) const { redisReaderFree(reader); }
void RedisConnection::Free::operator()(redisReply* reply) const { freeReplyObject(reply); }

RedisConnection::RedisConnection(base::IoThread& io, int fd, User& user)
    : io_(io), fd_(fd), user_(user), reader_(redisReaderCreate()) {
  io_.poller().add(fd_, *this);
}

RedisConnection::~RedisConnection() {
  io_.poller().remove(fd_, *this);
  ::close(fd_);
}

void RedisConnection::send(std::span<const std::string_view> command) {
  if (lost_) return;
  std::array<char, 32> head;
  const auto append_head = [&](char kind, std::size_t number) {
    const auto end = fmt::format_to(head.data(), "{}{}\r\n", kind, number);
    out_.append_copy(base::as_bytes({head.data(), static_cast<std::size_t>(end - head.data())}));
  };
  append_head('*', command.size());
  for (const std::string_view part : command) {
    append_head('$', part.size());
    out_.append_spread(base::as_bytes(part));
    out_.append_copy(base::as_bytes("\r\n"));
  }
}

void RedisConnection::flush() {
  while (!lost_ && !blocked_ && !out_.empty()) {
    std::array<iovec, 64> pieces;
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = out_.gather(pieces);
    const ssize_t sent = ::sendmsg(fd_, &message, MSG_NOSIGNAL);
    if (sent >= 0) {
      out_.consume(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN) {
      blocked_ = true;
    } else if (errno != EINTR) {
      return lose(error_text(errno));
    }
  }
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
  readable_ = true;
  read();
}

void RedisConnection::read() {
  const auto buffer = io_.read_buffer();
  for (int i = 0; i < kReads && !lost_ && !paused_; ++i) {
    const ssize_t got = ::recv(fd_, buffer.data(), buffer.size(), 0);
    if (got == 0) return lose("Redis closed the connection");
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) {
      readable_ = false;
      return;
    }
    if (got < 0) return lose(error_text(errno));
    if (!take_replies(static_cast<std::size_t>(got))) return lose("Redis does not speak its protocol");
  }
  if (!lost_ && !paused_) io_.resume(*this);
}

bool RedisConnection::take_replies(std::size_t size) {
  if (redisReaderFeed(reader_.get(), reinterpret_cast<const char*>(io_.read_buffer().data()), size) != REDIS_OK) {
    return false;
  }
  while (!lost_) {
    void* raw = nullptr;
    if (redisReaderGetReply(reader_.get(), &raw) != REDIS_OK) return false;
    if (raw == nullptr) return true;
    const std::unique_ptr<redisReply, Free> reply(static_cast<redisReply*>(raw));
    user_.on_reply(*this, *reply);
  }
  return true;
}

void RedisConnection::lose(std::string_view why) {
  if (lost_) return;
  lost_ = true;
  user_.on_lost(*this, why);
}

}  // namespace crosspoint::cluster
