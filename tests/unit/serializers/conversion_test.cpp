#include <catch2/catch.hpp>

#include <cmath>
#include <limits>

#include "serializers/base64.hpp"
#include "serializers/convert.hpp"
#include "serializers/reader.hpp"
#include "serializers/value.hpp"
#include "unit/serializers/random_value.hpp"
#include "unit/serializers/samples.hpp"

using namespace crosspoint;
using namespace crosspoint::test;
using namespace std::string_literals;
using namespace std::string_view_literals;
using nlohmann::json;

namespace {

/// The only argument of a payload, as a receiver of another encoding reads it; discarded if it cannot be converted.
json read_from(wamp::Encoding from, std::string_view bytes, wamp::Encoding to) {
  wamp::Payload payload;
  payload.encoding = from;
  payload.elements = 1;
  payload.bytes = base::as_bytes(bytes);
  serializers::WriteBuffer out;
  serializers::Scratch scratch;
  if (!serializers::convert(payload, to, scratch, out)) return json(json::value_t::discarded);
  return value_of(to, std::string(base::as_text(out.bytes())));
}

json converted(wamp::Encoding from, wamp::Encoding to, const json& arguments) {
  return read_from(from, bytes_of(from, arguments), to);
}

}  // namespace

TEST_CASE("any value means the same in every encoding") {
  base::Random random(4711);
  for (int i = 0; i < 60; ++i) {
    const json value = json::array({random_value(random, 3)});
    for (const auto from : kAllEncodings) {
      for (const auto to : kAllEncodings) REQUIRE(converted(from, to, value) == value);
    }
  }
}

TEST_CASE("all forms that a value may have in an encoding are understood") {
  using Row = std::pair<std::string_view, json>;
  const Row msgpack[] = {
      {"\x91\xcc\x05"sv, {5}},
      {"\x91\xd3\0\0\0\0\0\0\0\x05"sv, {5}},
      {"\x91\xd0\xfb"sv, {-5}},
      {"\x91\xd3\xff\xff\xff\xff\xff\xff\xff\xfb"sv, {-5}},
      {"\x91\xca\x3f\xc0\0\0"sv, {1.5}},
      {"\xdc\0\x01\xd9\x01x"sv, {"x"}},
      {"\x91\xde\0\x01\xa1k\xc0"sv, {{{"k", nullptr}}}},
      {"\x91\xd4\x07z"sv, json::array({json::binary({'z'})})},
      {"\x91\xc7\x02\x07zz"sv, json::array({json::binary({'z', 'z'})})},
      {"\x91\xc5\0\x01z"sv, json::array({json::binary({'z'})})},
      {"\x91\xd4\0\0"sv, json::array({nullptr})},  // msgpackr's undefined
      {"\x91\xd4\x01\0"sv, json::array({json::binary({0})})},
  };
  for (const auto& [bytes, value] : msgpack)
    REQUIRE(read_from(wamp::Encoding::msgpack, bytes, wamp::Encoding::cbor) == value);
  const Row cbor[] = {
      {"\x9f\x18\x05\xff"sv, {5}},
      {"\x81\x3b\0\0\0\0\0\0\0\x04"sv, {-5}},
      {"\x81\x3b\x7f\xff\xff\xff\xff\xff\xff\xff"sv, {INT64_MIN}},
      {"\x81\xf9\x3e\0"sv, {1.5}},
      {"\x81\xf9\x80\x01"sv, {-5.9604644775390625e-8}},
      {"\x81\xfa\x3f\xc0\0\0"sv, {1.5}},
      {"\x81\xf7"sv, json::array({nullptr})},
      {"\x81\x7f\x61x\x61y\xff"sv, {"xy"}},
      {"\x81\x5f\x41x\x41y\xff"sv, json::array({json::binary({'x', 'y'})})},
      {"\x81\xbf\x61k\xc1\x05\xff"sv, {{{"k", 5}}}},
  };
  for (const auto& [bytes, value] : cbor)
    REQUIRE(read_from(wamp::Encoding::cbor, bytes, wamp::Encoding::msgpack) == value);
  const Row ubjson[] = {
      {"[i\xfb]"sv, {-5}},
      {"[I\xff\x7fl\0\0\x80\0L\xff\xff\xff\xff\xff\xff\xff\xff]"sv, {-129, 32768, -1}},
      {"[d\x3f\xc0\0\0D\x3f\xf8\0\0\0\0\0\0]"sv, {1.5, 1.5}},
      {"[HU\x14"
       "18446744073709551615HU\x02-5HU\x03"
       "1.5]"sv,
       {UINT64_MAX, -5, 1.5}},
      {"[CaSU\x01yNZNTF]"sv, {"a", "y", nullptr, true, false}},
      {"[#U\x02TF"sv, {true, false}},
      {"[$i#U\x02\x01\xff"sv, {1, -1}},
      {"[$[#U\x02]$U#U\x02xy"sv, json::array({json::array(), json::binary({'x', 'y'})})},
      {"[{$S#U\x01U\x01kU\x01v[$U#U\0]"sv, json::array({{{"k", "v"}}, json::binary({})})},
  };
  for (const auto& [bytes, value] : ubjson)
    REQUIRE(read_from(wamp::Encoding::ubjson, bytes, wamp::Encoding::msgpack) == value);
  const Row text[] = {
      {" [ 5 , -0, 1e2, 1.50 ] "sv, {5, 0, 100.0, 1.5}},
      {"[18446744073709551616, -9223372036854775809, 1e-400]"sv, {18446744073709551616.0, -9223372036854775809.0, 0.0}},
      {R"(["\ud83d\ude00\/\n", {"a\u0062": "\u0000eHk="}])"sv, {"\U0001f600/\n", {{"ab", json::binary({'x', 'y'})}}}},
  };
  for (const auto& [bytes, value] : text)
    REQUIRE(read_from(wamp::Encoding::json, bytes, wamp::Encoding::cbor) == value);
}

TEST_CASE("numbers of other encodings stay what they are in JSON") {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"\x91\xcb\x40\x08\0\0\0\0\0\0"sv, "[3.0]"},
      {"\x91\xca\x3d\xcc\xcc\xcd"sv, "[0.10000000149011612]"},
      {"\x91\xcb\x44\xb5\x2d\x02\xc7\xe1\x4a\xf6"sv, "[1e+23]"},
      {"\x91\xcb\x80\0\0\0\0\0\0\0"sv, "[-0.0]"},
      {"\x91\xcf\xff\xff\xff\xff\xff\xff\xff\xff"sv, "[18446744073709551615]"},
      {"\x91\xd3\x80\0\0\0\0\0\0\0"sv, "[-9223372036854775808]"},
  };
  for (const auto& [bytes, json_text] : rows) {
    wamp::Payload payload;
    payload.encoding = wamp::Encoding::msgpack;
    payload.elements = 1;
    payload.bytes = base::as_bytes(bytes);
    serializers::WriteBuffer out;
    serializers::Scratch scratch;
    REQUIRE(serializers::convert(payload, wamp::Encoding::json, scratch, out));
    REQUIRE(base::as_text(out.bytes()) == json_text);
  }
}

TEST_CASE("numbers that no other encoding has are not converted") {
  for (const auto bytes : {"\x81\xc2\x41\x05"sv, "\x81\xc4\x82\x01\x02"sv, "\x81\xd8\x02\x41\x05"sv,
                           "\x81\x3b\xff\xff\xff\xff\xff\xff\xff\xff"sv}) {
    REQUIRE(read_from(wamp::Encoding::cbor, bytes, wamp::Encoding::json).is_discarded());
  }
  REQUIRE(read_from(wamp::Encoding::json, "[1e400]", wamp::Encoding::cbor).is_discarded());
  REQUIRE(read_from(wamp::Encoding::ubjson,
                    "[HU\x05"
                    "1e400]",
                    wamp::Encoding::cbor)
              .is_discarded());
}

TEST_CASE("lists and dictionaries of any size and depth are converted") {
  json nested = json::array();
  for (int i = 0; i < serializers::kMaxDepth - 2; ++i) nested = json::array_t{nested};
  const json deep = json::array_t{nested};
  for (const std::size_t size : {14, 15, 16, 22, 23, 24, 254, 255, 256, 65534, 65535, 65536}) {
    json list = json::array();
    json dict = json::object();
    for (std::size_t i = 0; i < size; ++i) {
      list.push_back(i % 7);
      if (size < 300) dict["key " + std::to_string(i)] = i;
    }
    for (const auto from : kAllEncodings) {
      for (const auto to : kAllEncodings) {
        REQUIRE(converted(from, to, {list, dict, "behind"}) == json::array({list, dict, "behind"}));
        REQUIRE(converted(from, to, deep) == deep);
      }
    }
  }
}

TEST_CASE("payloads mean the same in every encoding") {
  const json values[] = {json::array(),
                         {1, -1, 0},
                         {nullptr, true, false},
                         {1.5, -2.25e300},
                         {"", "\u00fc\u20ac", "a\"b\\c\n"},
                         {UINT64_MAX, INT64_MIN},
                         {{{"k", {{"n", {1, 2}}}}}},
                         {std::string(70000, 'x')}};
  for (const json& value : values) {
    for (const auto from : kAllEncodings) {
      for (const auto to : kAllEncodings) REQUIRE(converted(from, to, value) == value);
    }
  }
}

TEST_CASE(
    "binary values are strings with U+0000 and base64 in JSON, and binary in the others (Binary conversion of JSON "
    "Strings)") {
  const json binary = {json::binary({0x10, 0xe3, 0xff, 0x90, 0x53, 0x07, 0x55, 0x26})};
  const json text = {"\0EOP/kFMHVSY="s};
  for (const auto encoding : {wamp::Encoding::msgpack, wamp::Encoding::cbor}) {
    REQUIRE(converted(encoding, wamp::Encoding::json, binary) == text);
    REQUIRE(converted(wamp::Encoding::json, encoding, text) == binary);
  }
  const auto ubjson = "[[$U#U\x08\x10\xe3\xff\x90\x53\x07\x55\x26]"sv;
  REQUIRE(read_from(wamp::Encoding::ubjson, ubjson, wamp::Encoding::json) == text);
  REQUIRE(read_from(wamp::Encoding::ubjson, ubjson, wamp::Encoding::cbor) == binary);
  REQUIRE(converted(wamp::Encoding::msgpack, wamp::Encoding::cbor, binary) == binary);
  REQUIRE(converted(wamp::Encoding::json, wamp::Encoding::msgpack, {{{"k", "\0"s}}}) ==
          json::array({{{"k", json::binary({})}}}));
  const json no_base64 = {"\0not base64!"s};
  REQUIRE(converted(wamp::Encoding::json, wamp::Encoding::msgpack, no_base64) == no_base64);
}

TEST_CASE("numbers that JSON and UBJSON do not have become null there") {
  const json odd = {std::numeric_limits<double>::infinity(), std::nan(""), 1.0};
  for (const auto to : {wamp::Encoding::json, wamp::Encoding::ubjson})
    REQUIRE(converted(wamp::Encoding::msgpack, to, odd) == json::array({nullptr, nullptr, 1.0}));
}

TEST_CASE("what has no form in the other encoding is not converted") {
  wamp::Payload payload;
  payload.encoding = wamp::Encoding::json;
  payload.elements = 1;
  payload.bytes = base::as_bytes(R"(["\ud800"])");  // half a character
  serializers::WriteBuffer out;
  serializers::Scratch scratch;
  REQUIRE_FALSE(serializers::convert(payload, wamp::Encoding::msgpack, scratch, out));
}

TEST_CASE("payloads of no, one and two elements are converted; a message says if it could not be") {
  for (const auto from : kAllEncodings) {
    for (const auto to : kAllEncodings) {
      for (const json& message : {json{70, 1, json::object()}, json{70, 1, json::object(), {1}},
                                  json{70, 1, json::object(), {1}, {{"k", 2}}}}) {
        Decoded decoded(from, bytes_of(from, message));
        REQUIRE(value_of(to, encode(to, decoded.message)) == message);
      }
    }
  }
  Decoded odd(wamp::Encoding::json, R"([70,1,{},["\ud800"]])");
  REQUIRE(odd.problem.empty());
  REQUIRE(encode(wamp::Encoding::cbor, odd.message).empty());
  REQUIRE_FALSE(encode(wamp::Encoding::json, odd.message).empty());
}

TEST_CASE("a payload's values are read from every encoding") {
  for (const auto encoding : kAllEncodings) {
    Decoded decoded(encoding, bytes_of(encoding, {70, 1, json::object(), {1, "a"}, {{"k", 2}}}));
    json arguments;
    json keywords;
    REQUIRE(serializers::to_values(std::get<wamp::Yield>(decoded.message).payload, arguments, keywords));
    REQUIRE(arguments == json::array({1, "a"}));
    REQUIRE(keywords == json{{"k", 2}});
  }
}

TEST_CASE("base64 is RFC 4648's, and nothing around it") {
  const std::vector<std::pair<std::string, std::string>> known{
      {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}};
  std::vector<std::uint8_t> bytes;
  for (const auto& [plain, encoded] : known) {
    REQUIRE(serializers::to_base64(base::as_bytes(plain)) == encoded);
    REQUIRE(serializers::from_base64(encoded, bytes));
    REQUIRE(std::string(bytes.begin(), bytes.end()) == plain);
  }
  for (const char* bad : {"Zg=", "Zg", "Z===", "Zm9v ", " Zm9v", "Zm9v\n", "Zm=v", "Z=9v", "Zm9!", "====", "=Zm9"}) {
    INFO(bad);
    REQUIRE_FALSE(serializers::from_base64(bad, bytes));
  }
}
