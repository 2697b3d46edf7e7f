#include <catch2/catch.hpp>

#include <limits>
#include <nlohmann/json.hpp>

#include "base/random.hpp"
#include "serializers/cbor_reader.hpp"
#include "serializers/msgpack_reader.hpp"
#include "unit/serializers/samples.hpp"

using namespace crosspoint;
using namespace crosspoint::test;
using namespace std::string_literals;
using nlohmann::json;
using serializers::CborReader;
using serializers::MsgpackReader;

namespace {

/// True if the bytes are exactly one value.
template <class Reader>
bool accepts(const std::string& text) {
  const std::vector<std::uint8_t> bytes(text.begin(), text.end());
  serializers::Scratch scratch;
  Reader reader(bytes, scratch);
  const auto value = reader.skip();
  return !value.empty() && reader.ok() && reader.at_end() && value.size() == bytes.size();
}

template <class Reader>
std::string text_of(const std::string& bytes) {
  serializers::Scratch scratch;
  Reader reader(base::as_bytes(bytes), scratch);
  std::string_view text;
  return reader.read_text(text) ? std::string(text) : "(failed)";
}

template <class Reader>
std::uint64_t number_of(const std::string& bytes) {
  serializers::Scratch scratch;
  Reader reader(base::as_bytes(bytes), scratch);
  std::uint64_t number = 0;
  return reader.read_uint(number) ? number : std::numeric_limits<std::uint64_t>::max();
}

json random_value(base::Random& random, int depth) {
  switch (random.below(depth > 0 ? 10 : 8)) {
    case 0:
      return nullptr;
    case 1:
      return random.below(2) == 0;
    case 2:
      return random.next() >> random.below(64);
    case 3:
      return -static_cast<std::int64_t>(random.next() >> (1 + random.below(62)));
    case 4:
      return static_cast<double>(random.next()) / 1e6;
    case 5:
      return std::string(random.below(300), 'x');
    case 6:
      return "\u00fc\u20ac";
    case 7:
      return json::binary(std::vector<std::uint8_t>(random.below(300), 0xfe));
    case 8: {
      json list = json::array();
      for (std::uint64_t i = random.below(20); i > 0; --i) list.push_back(random_value(random, depth - 1));
      return list;
    }
    default: {
      json dict = json::object();
      for (std::uint64_t i = random.below(20); i > 0; --i) {
        dict["key" + std::to_string(i)] = random_value(random, depth - 1);
      }
      return dict;
    }
  }
}

}  // namespace

TEST_CASE("whatever another encoder writes is skipped whole, to the last byte") {
  base::Random random(5);
  for (int round = 0; round < 1000; ++round) {
    const json value = random_value(random, 4);
    REQUIRE(accepts<MsgpackReader>(bytes_of(wamp::Encoding::msgpack, value)));
    REQUIRE(accepts<CborReader>(bytes_of(wamp::Encoding::cbor, value)));
  }
}

TEST_CASE("integers of every MessagePack form are read, and whole doubles, as JavaScript writes large ones") {
  REQUIRE(number_of<MsgpackReader>("\x7f") == 127);
  REQUIRE(number_of<MsgpackReader>("\xcc\xff") == 255);
  REQUIRE(number_of<MsgpackReader>("\xcd\x01\x00"s) == 256);
  REQUIRE(number_of<MsgpackReader>("\xce\x00\x01\x00\x00"s) == 65536);
  REQUIRE(number_of<MsgpackReader>("\xcf\x00\x20\x00\x00\x00\x00\x00\x00"s) == 9007199254740992);
  REQUIRE(number_of<MsgpackReader>("\xd0\x05"s) == 5);
  REQUIRE(number_of<MsgpackReader>("\xd3\x00\x00\x00\x00\x00\x00\x01\x00"s) == 256);
  REQUIRE(number_of<MsgpackReader>("\xcb\x43\x40\x00\x00\x00\x00\x00\x00"s) == 9007199254740992);
  const auto none = std::numeric_limits<std::uint64_t>::max();
  REQUIRE(number_of<MsgpackReader>("\xff") == none);
  REQUIRE(number_of<MsgpackReader>("\xd0\xff"s) == none);
  REQUIRE(number_of<MsgpackReader>("\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00"s) == none);  // 1.5
  REQUIRE(number_of<MsgpackReader>("\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00"s) == none);  // not a number
  REQUIRE(number_of<MsgpackReader>("\xa1"
                                   "5") == none);
}

TEST_CASE("integers of every CBOR form are read, and whole floats") {
  REQUIRE(number_of<CborReader>("\x17") == 23);
  REQUIRE(number_of<CborReader>("\x18\xff") == 255);
  REQUIRE(number_of<CborReader>("\x19\x01\x00"s) == 256);
  REQUIRE(number_of<CborReader>("\x1b\x00\x20\x00\x00\x00\x00\x00\x00"s) == 9007199254740992);
  REQUIRE(number_of<CborReader>("\xfb\x43\x40\x00\x00\x00\x00\x00\x00"s) == 9007199254740992);
  REQUIRE(number_of<CborReader>("\xfa\x47\xc3\x50\x00"s) == 100000);
  REQUIRE(number_of<CborReader>("\xc1\x05") == 5);  // behind a tag
  const auto none = std::numeric_limits<std::uint64_t>::max();
  REQUIRE(number_of<CborReader>("\x20") == none);
  REQUIRE(number_of<CborReader>("\xfb\x3f\xf8\x00\x00\x00\x00\x00\x00"s) == none);
  REQUIRE(number_of<CborReader>("\xf5") == none);
}

TEST_CASE("text must be UTF-8, in the envelope and in payloads, so that no client chokes on it") {
  REQUIRE(text_of<MsgpackReader>("\xa3"
                                 "abc") == "abc");
  REQUIRE(text_of<MsgpackReader>("\xa2\xc3\xbc") == "\xc3\xbc");
  REQUIRE(text_of<MsgpackReader>("\xa1\xfc") == "(failed)");
  REQUIRE_FALSE(accepts<MsgpackReader>("\xa1\xfc"));
  REQUIRE_FALSE(accepts<MsgpackReader>("\xd9\x02\xc3\x28"));
  REQUIRE(accepts<MsgpackReader>("\xc4\x01\xfc"));  // binary may be anything
  REQUIRE(text_of<CborReader>("\x61\xfc") == "(failed)");
  REQUIRE_FALSE(accepts<CborReader>("\x62\xc3\x28"));
  REQUIRE(accepts<CborReader>("\x41\xfc"));
  const std::string late = std::string(100, 'a') + "\xfc";
  REQUIRE_FALSE(accepts<MsgpackReader>("\xd9\x65" + late));
}

TEST_CASE("dictionary keys must be text") {
  REQUIRE(
      accepts<MsgpackReader>("\x81\xa1"
                             "a\x01"));
  REQUIRE_FALSE(accepts<MsgpackReader>("\x81\x01\x01"));
  REQUIRE_FALSE(
      accepts<MsgpackReader>("\x81\xc4\x01"
                             "a\x01"));
  REQUIRE(
      accepts<CborReader>("\xa1\x61"
                          "a\x01"));
  REQUIRE_FALSE(accepts<CborReader>("\xa1\x01\x01"));
}

TEST_CASE("MessagePack's extension types and every other form are passed over") {
  REQUIRE(accepts<MsgpackReader>("\xd6\xff\x00\x00\x00\x00"s));  // a time stamp
  REQUIRE(
      accepts<MsgpackReader>("\xc7\x03\x05"
                             "abc"s));
  REQUIRE(accepts<MsgpackReader>("\xca\x00\x00\x00\x00"s));
  REQUIRE(accepts<MsgpackReader>("\xdc\x00\x02\x01\x02"s));
  REQUIRE(
      accepts<MsgpackReader>("\xdf\x00\x00\x00\x01\xa1"
                             "a\xc0"s));
  REQUIRE_FALSE(accepts<MsgpackReader>("\xc1"));
  REQUIRE_FALSE(accepts<MsgpackReader>("\xdd\xff\xff\xff\xff\x01"s));  // four billion items in six bytes
  REQUIRE_FALSE(accepts<MsgpackReader>("\xc6\xff\xff\xff\xff\x01"s));
}

TEST_CASE("CBOR's indefinite lengths are read, also in keys and text") {
  REQUIRE(accepts<CborReader>("\x9f\x01\x02\xff"));
  REQUIRE(
      accepts<CborReader>("\xbf\x61"
                          "a\x01\xff"));
  REQUIRE(
      accepts<CborReader>("\xbf\x7f\x61"
                          "a\x61"
                          "b\xff\x01\xff"));
  REQUIRE(accepts<CborReader>("\x5f\x41\xfe\x41\xff\xff"));
  REQUIRE(text_of<CborReader>("\x7f\x63"
                              "com\x62.x\xff") == "com.x");
  for (const auto& bad : {"\x9f\x01"s,
                          "\xbf\x61"
                          "a\xff"s,
                          "\x7f\x41"
                          "a\xff"s,
                          "\x7f\x7f\x61"
                          "a\xff\xff"s,
                          "\xff"s, "\x1f"s, "\xdf\x01"s, "\x7f\x61\xc3\x61\xbc\xff"s, "\x1c"s, "\xf8\x20"s, "\xe0"s}) {
    REQUIRE_FALSE(accepts<CborReader>(bad));
  }
}

TEST_CASE("CBOR's tags, half floats and undefined are passed over; huge lengths are refused") {
  REQUIRE(accepts<CborReader>("\xc0\x64time"));
  REQUIRE(accepts<CborReader>("\xd9\xd9\xf7\x01"));
  REQUIRE(accepts<CborReader>("\xf9\x3e\x00"s));
  REQUIRE(accepts<CborReader>("\xf7"));
  REQUIRE_FALSE(accepts<CborReader>("\x9b\xff\xff\xff\xff\xff\xff\xff\xfe\x01"s));
  REQUIRE_FALSE(accepts<CborReader>("\x9b\xff\xff\xff\xff\xff\xff\xff\xff\x01"s));
  REQUIRE_FALSE(
      accepts<CborReader>("\x7b\x7f\xff\xff\xff\xff\xff\xff\xff"
                          "a"s));
  REQUIRE_FALSE(accepts<CborReader>("\xc0"));
}

TEST_CASE("a message in CBOR of indefinite lengths is a message") {
  Decoded decoded(wamp::Encoding::cbor,
                  "\x9f\x10\x01\xbf\x6b"
                  "acknowledge\xf5\xff\x7f\x63"
                  "com\x62.x\xff\x9f\x05\xff\xff");
  REQUIRE(decoded.problem.empty());
  const auto& publish = std::get<wamp::Publish>(decoded.message);
  REQUIRE(publish.topic == "com.x");
  REQUIRE(publish.options.acknowledge);
}
