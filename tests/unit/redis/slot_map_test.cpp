#include "redis/slot_map.hpp"

#include <hiredis/hiredis.h>

#include <catch2/catch.hpp>

#include "base/chunk.hpp"
#include "redis/protocol.hpp"

using namespace crosspoint;
using namespace crosspoint::redis;

namespace {

Reply reply_of(const std::string& text) {
  ReplyReader reader;
  REQUIRE(reader.feed(base::as_bytes(text)));
  Reply reply = reader.next();
  REQUIRE(reply);
  return reply;
}

std::string bulk(const std::string& text) { return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n"; }

/// A range as CLUSTER SLOTS has it, with a replica behind the master.
std::string range(const std::string& first, const std::string& last, const std::string& host, const std::string& port) {
  const std::string id = bulk("07c37dfeb235213a872192d90877d0cd55635b91");
  return "*4\r\n:" + first + "\r\n:" + last + "\r\n*3\r\n" + host + ":" + port + "\r\n" + id + "*3\r\n" +
         bulk("10.9.9.9") + ":1\r\n" + id;
}

bool read(SlotMap& map, const std::string& text) {
  std::string problem;
  const bool good = map.read(*reply_of(text), "asked", problem);
  REQUIRE(good == problem.empty());
  return good;
}

}  // namespace

// https://redis.io/docs/reference/cluster-spec: "Key distribution model", "Hash tags"
TEST_CASE("slots are those of Redis") {
  REQUIRE(crc16("123456789") == 0x31C3);
  REQUIRE(crc16("") == 0);
  REQUIRE(slot_of("foo") == 12182);
  REQUIRE(slot_of("bar") == 5061);
  REQUIRE(slot_of("{user1000}.following") == slot_of("user1000"));
  REQUIRE(slot_of("{user1000}.followers") == slot_of("user1000"));
  REQUIRE(slot_of("foo{}{bar}") == crc16("foo{}{bar}") % 16384);
  REQUIRE(slot_of("foo{{bar}}zap") == slot_of("{bar"));
  REQUIRE(slot_of("foo{bar}{zap}") == slot_of("bar"));
  REQUIRE(slot_of("foo{bar") == crc16("foo{bar") % 16384);
}

TEST_CASE("a map says which master has a slot, and which slots nobody has") {
  SlotMap map;
  REQUIRE(map.master_of(0) == SlotMap::kNobody);
  REQUIRE(read(map, "*3\r\n" + range("0", "99", bulk("10.0.0.1"), "7000") +
                        range("100", "100", bulk("r2.example.com"), "7001") +
                        range("200", "16383", bulk("10.0.0.1"), "7000")));
  REQUIRE(map.masters() == std::vector<Address>{{"10.0.0.1", 7000}, {"r2.example.com", 7001}});
  REQUIRE(map.masters()[1].text() == "r2.example.com:7001");
  REQUIRE(map.master_of(0) == 0);
  REQUIRE(map.master_of(99) == 0);
  REQUIRE(map.master_of(100) == 1);
  REQUIRE(map.master_of(101) == SlotMap::kNobody);
  REQUIRE(map.master_of(16383) == 0);
  REQUIRE(read(map, "*0\r\n"));
  REQUIRE(map.masters().empty());
}

TEST_CASE("a host that is not named is the one that was asked") {
  SlotMap map;
  REQUIRE(read(map, "*2\r\n" + range("0", "1", "$-1\r\n", "7000") + range("2", "3", bulk(""), "7001")));
  REQUIRE(map.masters() == std::vector<Address>{{"asked", 7000}, {"asked", 7001}});
}

TEST_CASE("answers that are no map are refused, and leave none") {
  const std::string host = bulk("h");
  for (const std::string& text :
       {std::string("+OK\r\n"), std::string(":1\r\n"), std::string("*1\r\n+OK\r\n"), std::string("*1\r\n*0\r\n"),
        std::string("*1\r\n*2\r\n:0\r\n:1\r\n"), std::string("*1\r\n*3\r\n:0\r\n:1\r\n*0\r\n"),
        std::string("*1\r\n*3\r\n:0\r\n:1\r\n*1\r\n") + host,
        std::string("*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n:7\r\n:7000\r\n"),
        std::string("*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n") + host + bulk("7000"), "*1\r\n" + range("-1", "5", host, "7000"),
        "*1\r\n" + range("0", "16384", host, "7000"), "*1\r\n" + range("6", "5", host, "7000"),
        "*1\r\n" + range("0", "5", host, "0"), "*1\r\n" + range("0", "5", host, "65536"),
        "*1\r\n" + range("0", "5", bulk("?"), "7000"),
        "*2\r\n" + range("0", "5", host, "7000") + range("6", "5", host, "7000")}) {
    INFO(text);
    SlotMap map;
    REQUIRE(read(map, "*1\r\n" + range("0", "16383", host, "1")));
    REQUIRE_FALSE(read(map, text));
    REQUIRE(map.masters().empty());
    REQUIRE(map.master_of(0) == SlotMap::kNobody);
  }
}

TEST_CASE("maps agree on slots if those have the same masters, in whatever order") {
  SlotMap one;
  SlotMap two;
  REQUIRE(read(one, "*2\r\n" + range("0", "9", bulk("a"), "1") + range("10", "19", bulk("b"), "1")));
  REQUIRE(read(two, "*2\r\n" + range("10", "18", bulk("b"), "1") + range("0", "9", bulk("a"), "1")));
  REQUIRE(one.agrees(two, {0, 9, 10, 18, 30}));
  REQUIRE_FALSE(one.agrees(two, {0, 19}));
  REQUIRE_FALSE(two.agrees(one, {19}));
  REQUIRE(read(two, "*2\r\n" + range("0", "9", bulk("a"), "2") + range("10", "19", bulk("b"), "1")));
  REQUIRE_FALSE(one.agrees(two, {0}));
  REQUIRE(one.agrees(two, {10}));
}
