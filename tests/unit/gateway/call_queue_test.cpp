#include <catch2/catch.hpp>

#include "gateway/call_queue.hpp"
#include "gateway/connection_id.hpp"

using namespace crosspoint::gateway;
using Kind = QueuedCall::Kind;

namespace {

QueuedCall message(std::string text) { return {Kind::message, {}, std::move(text)}; }

}  // namespace

TEST_CASE("messages of a connection are called for in order, so many at a time (CallQueue)") {
  CallQueue queue(2);
  REQUIRE(queue.begin_message());
  REQUIRE(queue.begin_message());
  REQUIRE_FALSE(queue.begin_message());
  queue.push(message("third"));
  queue.push(message("fourth"));
  REQUIRE_FALSE(queue.next());
  queue.done();
  REQUIRE_FALSE(queue.begin_message());  // a later one does not overtake those that wait
  REQUIRE(queue.next()->bytes == "third");
  REQUIRE_FALSE(queue.next());
  queue.done();
  REQUIRE(queue.next()->bytes == "fourth");
  REQUIRE_FALSE(queue.waiting());
}

TEST_CASE("open, shutdown and disconnect are under way alone (CallQueue)") {
  CallQueue queue(2);
  queue.push({Kind::open, {}, {}});
  REQUIRE(queue.next()->kind == Kind::open);
  REQUIRE_FALSE(queue.begin_message());
  queue.push(message("first"));
  queue.push({Kind::disconnect, {}, {}});
  REQUIRE_FALSE(queue.next());
  queue.done();
  REQUIRE(queue.next()->bytes == "first");
  REQUIRE_FALSE(queue.next());  // disconnect waits for the message
  queue.done();
  REQUIRE(queue.next()->kind == Kind::disconnect);
}

TEST_CASE("waiting messages can be dropped, and disconnect stays (CallQueue)") {
  CallQueue queue(1);
  REQUIRE(queue.begin_message());
  queue.push(message("never called for"));
  queue.push({Kind::disconnect, {}, {}});
  queue.drop_messages();
  queue.done();
  REQUIRE(queue.next()->kind == Kind::disconnect);
}

TEST_CASE("connection ids are read as they are written, and nothing else is one") {
  const ConnectionId id{0x00c4f1a09be37d52, 1, 42};
  REQUIRE(to_string(id) == "00c4f1a09be37d52-1-2a");
  REQUIRE(parse_connection_id(to_string(id)) == id);
  const ConnectionId largest{~0ULL, ~0U, ~0ULL};
  REQUIRE(parse_connection_id(to_string(largest)) == largest);
  for (const char* text : {"", "-", "00c4f1a09be37d52", "00c4f1a09be37d52-1", "00c4f1a09be37d52-1-",
                           "c4f1a09be37d52-1-2a", "00c4f1a09be37d52-1-2a-", "00c4f1a09be37d52-1-2g",
                           "00c4f1a09be37d52--1-2", "00c4f1a09be37d52-1-10000000000000000", "00c4f1a09be37d5g-1-2a"}) {
    INFO(text);
    REQUIRE_FALSE(parse_connection_id(text));
  }
}
