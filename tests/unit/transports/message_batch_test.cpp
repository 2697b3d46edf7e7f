#include <catch2/catch.hpp>

#include <array>
#include <string>
#include <vector>

#include "transports/message_batch.hpp"

using namespace crosspoint;
using namespace std::string_literals;
using transports::MessageBatch;

namespace {

serializers::EncodedMessage message(std::string_view head, std::string_view payload, std::string_view tail) {
  serializers::EncodedMessage message;
  message.head = base::as_bytes(head);
  message.payload = base::as_bytes(payload);
  message.tail = tail;
  return message;
}

/// All that was gathered; the batch is empty then.
std::string taken(MessageBatch& batch) {
  std::string all;
  base::OutQueue out;
  out.splice(batch.queue());
  while (!out.empty()) {
    std::array<iovec, 4> pieces;
    std::size_t size = 0;
    for (std::size_t i = 0, used = out.gather(pieces); i < used; ++i) {
      all.append(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len);
      size += pieces[i].iov_len;
    }
    out.consume(size);
  }
  return all;
}

/// The messages of a batch, or what is wrong with it.
std::vector<std::string> split(bool is_text, const std::string& text) {
  MessageBatch batch(is_text);
  std::vector<std::uint8_t> bytes(text.begin(), text.end());
  if (const auto problem = batch.check(bytes); !problem.empty()) return {std::string(problem)};
  std::vector<std::string> messages;
  for (std::span<std::uint8_t> rest = bytes; !rest.empty();) {
    const auto next = batch.take(rest);
    messages.emplace_back(next.begin(), next.end());
  }
  return messages;
}

}  // namespace

TEST_CASE("batches of JSON have a record separator behind each message (Message Batching)") {
  MessageBatch batch(true);
  batch.add(message("[16", ",[1]", "]"));
  batch.add(message("[17]", "", ""));
  REQUIRE(batch.bytes() == 14);
  REQUIRE(taken(batch) == "[16,[1]]\x1e[17]\x1e");
  REQUIRE(batch.empty());
  REQUIRE(split(true, "[1]\x1e[2,3]\x1e") == std::vector<std::string>{"[1]", "[2,3]"});
}

TEST_CASE("batches of binary serializers have the length in front of each message (Message Batching)") {
  MessageBatch batch(false);
  batch.add(message("ab", "c", ""));
  batch.add(message(std::string(300, 'x'), "", ""));
  REQUIRE(taken(batch) == "\0\0\0\x03"s + "abc" + "\0\0\x01\x2c"s + std::string(300, 'x'));
  REQUIRE(split(false, "\0\0\0\x02xy\0\0\0\0\0\0\0\x01z"s) == std::vector<std::string>{"xy", "", "z"});
}

TEST_CASE("a frame made for one batch goes into every other of its serializer") {
  base::ChunkWriter writer;
  for (const bool is_text : {true, false}) {
    MessageBatch one(is_text);
    MessageBatch other(is_text);
    const auto frame = one.make_frame(message("head", "payload", "!"), writer);
    one.add(frame);
    one.add(frame);
    other.add(frame);
    const std::string single = is_text ? "headpayload!\x1e" : "\0\0\0\x0cheadpayload!"s;
    REQUIRE(taken(one) == single + single);
    REQUIRE(taken(other) == single);
  }
}

TEST_CASE("the peer's separator is used for the answers: Autobahn's is 0x18") {
  MessageBatch batch(true);
  REQUIRE(split(true, "[1]\x18[2]\x18") == std::vector<std::string>{"[1]", "[2]"});
  REQUIRE(batch.check(base::as_bytes("[1]\x18")).empty());
  batch.add(message("[17]", "", ""));
  REQUIRE(taken(batch) == "[17]\x18");
}

TEST_CASE("a batch is full before it grows beyond its limit, unless it is empty") {
  MessageBatch batch(false);
  REQUIRE_FALSE(batch.is_full(10 * MessageBatch::kMaxBytes));
  batch.add(message(std::string(MessageBatch::kMaxBytes - 100, 'x'), "", ""));
  REQUIRE_FALSE(batch.is_full(90));
  REQUIRE(batch.is_full(200));
}

TEST_CASE("what is wrong with a batch is said before anything of it is done") {
  REQUIRE(split(true, "") == std::vector<std::string>{"a batch without messages"});
  REQUIRE(split(false, "") == std::vector<std::string>{"a batch without messages"});
  REQUIRE(split(true, "[1]\x1e[2]") ==
          std::vector<std::string>{"a batch whose last message does not end in the separator 0x1E"});
  REQUIRE(split(false, "\0\0\0\x01z\0\0"s) ==
          std::vector<std::string>{"a batch that ends within the length of a message"});
  for (const auto& bytes : {"\0\0\0\x02z"s, "\0\0\0\x01z\0\0\0\x01"s, "\xff\xff\xff\xffzzzz"s}) {
    REQUIRE(split(false, bytes) == std::vector<std::string>{"a batch that ends before its last message does"});
  }
}
