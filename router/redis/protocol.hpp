#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/out_queue.hpp"

struct redisReader;
struct redisReply;

/// Redis's protocol (RESP 2): commands to bytes, bytes to replies. No I/O; hiredis reads the replies.
namespace crosspoint::redis {

struct FreeReply {
  void operator()(redisReply* reply) const;
};
using Reply = std::unique_ptr<redisReply, FreeReply>;

/// The text of a string, a status or an error; nothing for others.
std::string_view text_of(const redisReply& reply);

void append_command(base::OutQueue& out, std::span<const std::string_view> words);

/// Cuts replies out of the bytes that come. Belongs to one thread.
class ReplyReader {
 public:
  ReplyReader();
  ~ReplyReader();

  /// False, and why in problem(), if these bytes are no replies. Nothing is read after that.
  bool feed(std::span<const std::uint8_t> bytes);
  /// The next whole reply, or nullptr: wait for more bytes, unless problem() says what is wrong.
  Reply next();
  const std::string& problem() const { return problem_; }

 private:
  struct Free {
    void operator()(redisReader* reader) const;
  };
  bool fail();

  std::unique_ptr<redisReader, Free> reader_;
  bool begun_ = false;
  std::string problem_;
};

}  // namespace crosspoint::redis
