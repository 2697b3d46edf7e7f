#include "redis/protocol.hpp"

#include <fmt/format.h>
#include <hiredis/hiredis.h>

#include <array>

namespace crosspoint::redis {
namespace {

/// The first byte of a record with which a server of TLS refuses a client that does not speak it.
constexpr std::uint8_t kTlsAlert = 0x15;

}  // namespace

void FreeReply::operator()(redisReply* reply) const { freeReplyObject(reply); }
void ReplyReader::Free::operator()(redisReader* reader) const { redisReaderFree(reader); }

std::string_view text_of(const redisReply& reply) {
  return reply.str != nullptr ? std::string_view(reply.str, reply.len) : std::string_view();
}

void append_command(base::OutQueue& out, std::span<const std::string_view> words) {
  std::array<char, 32> head;
  const auto append_head = [&](char kind, std::size_t number) {
    const auto end = fmt::format_to(head.data(), "{}{}\r\n", kind, number);
    out.append_copy(base::as_bytes({head.data(), static_cast<std::size_t>(end - head.data())}));
  };
  append_head('*', words.size());
  for (const std::string_view word : words) {
    append_head('$', word.size());
    out.append_spread(base::as_bytes(word));
    out.append_copy(base::as_bytes("\r\n"));
  }
}

ReplyReader::ReplyReader() : reader_(redisReaderCreate()) {}
ReplyReader::~ReplyReader() = default;

bool ReplyReader::fail() {
  if (problem_.empty()) problem_ = "the server does not speak Redis's protocol";
  return false;
}

bool ReplyReader::feed(std::span<const std::uint8_t> bytes) {
  if (!problem_.empty()) return false;
  if (!begun_ && !bytes.empty() && bytes[0] == kTlsAlert) {
    problem_ = "the server speaks only TLS, which needs a rediss:// URL";
    return false;
  }
  begun_ = true;
  return redisReaderFeed(reader_.get(), reinterpret_cast<const char*>(bytes.data()), bytes.size()) == REDIS_OK ||
         fail();
}

Reply ReplyReader::next() {
  void* raw = nullptr;
  if (redisReaderGetReply(reader_.get(), &raw) != REDIS_OK) fail();
  return Reply(static_cast<redisReply*>(raw));
}

}  // namespace crosspoint::redis
