#include "redis/client.hpp"

#include <fmt/core.h>
#include <hiredis/hiredis.h>
#include <poll.h>

#include <cerrno>

#include "redis/connect.hpp"

namespace crosspoint::redis {
namespace {

constexpr std::size_t kBuffer = 64 * 1024;

}  // namespace

Client::Client(std::unique_ptr<ByteStream> stream, std::chrono::milliseconds patience,
               const std::atomic<bool>& canceled)
    : stream_(std::move(stream)),
      patience_(patience),
      canceled_(canceled),
      buffer_(std::make_unique<std::uint8_t[]>(kBuffer)) {}

void Client::queue(const std::vector<std::string>& command) {
  const std::vector<std::string_view> words(command.begin(), command.end());
  append_command(out_, words);
}

Reply Client::lose(std::string why, std::string& problem) {
  good_ = false;
  problem = std::move(why);
  return nullptr;
}

Reply Client::refuse(Reply reply, std::string& problem) {
  if (reply->type != REDIS_REPLY_ERROR) return reply;
  problem = text_of(*reply);
  return nullptr;
}

/// Most servers that speak nothing but TLS hang up on who does not; whether the alert arrives is a matter of luck.
std::string Client::closed(const std::string& how) const {
  if (!stream_->secure() && !heard_) return how + ": perhaps the server speaks only TLS, which needs a rediss:// URL";
  return stream_->ready() ? how : how + ", in the TLS handshake";
}

Reply Client::answer(std::string& problem) {
  while (good_) {
    if (Reply reply = reader_.next()) return refuse(std::move(reply), problem);
    if (!reader_.problem().empty()) return lose(reader_.problem(), problem);
    const auto sent = stream_->send(out_);
    if (sent == ByteStream::Sent::failed) return lose(stream_->problem(), problem);
    const ssize_t got = stream_->receive({buffer_.get(), kBuffer});
    if (got > 0) {
      heard_ = true;
      if (!reader_.feed({buffer_.get(), static_cast<std::size_t>(got)})) return lose(reader_.problem(), problem);
    } else if (got == 0) {
      return lose(closed("the server has closed the connection"), problem);
    } else if (errno == EAGAIN) {
      if (sent == ByteStream::Sent::all && (stream_->owes() || (stream_->ready() && !out_.empty()))) continue;
      const auto events = static_cast<short>(sent == ByteStream::Sent::blocked ? POLLIN | POLLOUT : POLLIN);
      if (wait_for(stream_->fd(), events, patience_, canceled_)) continue;
      const double seconds = std::chrono::duration<double>(patience_).count();
      return lose(stream_->ready()
                      ? fmt::format("no answer for {} s", seconds)
                      : fmt::format("no TLS handshake in {} s: perhaps the server does not speak TLS", seconds),
                  problem);
    } else if (errno != EINTR) {
      const bool told = errno == EPROTO;
      stream_->send(out_);  // the alert that explains it
      return lose(told ? stream_->problem() : closed(stream_->problem()), problem);
    }
  }
  return lose("the connection is lost", problem);
}

Reply Client::ask(std::initializer_list<std::string_view> command, std::string& problem) {
  append_command(out_, std::span(command.begin(), command.size()));
  Reply reply = answer(problem);
  if (!reply && good_) problem = fmt::format("{}: {}", *command.begin(), problem);
  return reply;
}

}  // namespace crosspoint::redis
