#include "redis/protocol.hpp"

#include <hiredis/hiredis.h>

#include <array>
#include <catch2/catch.hpp>

using namespace crosspoint;
using namespace crosspoint::redis;

namespace {

std::string written(std::initializer_list<std::string_view> words) {
  base::OutQueue out;
  append_command(out, std::span(words.begin(), words.size()));
  std::array<iovec, 64> pieces;
  std::string text;
  const std::size_t count = out.gather(pieces);
  for (std::size_t i = 0; i < count; ++i) text.append(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len);
  return text;
}

}  // namespace

TEST_CASE("a command is a list of words with their lengths, whatever is in them") {
  REQUIRE(written({"PING"}) == "*1\r\n$4\r\nPING\r\n");
  const std::string_view bytes("\0\r\n", 3);
  REQUIRE(written({"SET", "", bytes}) ==
          std::string("*3\r\n$3\r\nSET\r\n$0\r\n\r\n$3\r\n") + std::string(bytes) + "\r\n");
}

TEST_CASE("replies come one by one, wherever the bytes are cut") {
  const std::string bytes = "+PONG\r\n:12\r\n-ERR no\r\n*2\r\n$3\r\na\r\n\r\n$-1\r\n";
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    ReplyReader reader;
    std::vector<Reply> replies;
    for (const std::string_view part : {std::string_view(bytes).substr(0, cut), std::string_view(bytes).substr(cut)}) {
      REQUIRE(reader.feed(base::as_bytes(part)));
      while (Reply reply = reader.next()) replies.push_back(std::move(reply));
      REQUIRE(reader.problem().empty());
    }
    REQUIRE(replies.size() == 4);
    REQUIRE(text_of(*replies[0]) == "PONG");
    REQUIRE(replies[1]->integer == 12);
    REQUIRE(replies[2]->type == REDIS_REPLY_ERROR);
    REQUIRE(text_of(*replies[2]) == "ERR no");
    REQUIRE(replies[3]->elements == 2);
    REQUIRE(text_of(*replies[3]->element[0]) == std::string_view("a\r\n"));
    REQUIRE(text_of(*replies[3]->element[1]).empty());
  }
}

TEST_CASE("what is no reply is said, and nothing is read after it") {
  ReplyReader reader;
  reader.feed(base::as_bytes("HTTP/1.1 400 Bad Request\r\n"));
  REQUIRE(reader.next() == nullptr);
  REQUIRE(reader.problem() == "the server does not speak Redis's protocol");
  REQUIRE_FALSE(reader.feed(base::as_bytes("+PONG\r\n")));
  REQUIRE(reader.next() == nullptr);
}

TEST_CASE("a server that speaks only TLS is recognized by its alert") {
  ReplyReader reader;
  REQUIRE_FALSE(reader.feed(base::as_bytes("\x15\x03\x01")));
  REQUIRE(reader.problem().find("rediss://") != std::string::npos);
}
