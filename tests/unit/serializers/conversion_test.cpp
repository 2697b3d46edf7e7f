#include <catch2/catch.hpp>

#include <cmath>
#include <limits>

#include "serializers/base64.hpp"
#include "serializers/value.hpp"
#include "unit/serializers/samples.hpp"

using namespace crosspoint;
using namespace crosspoint::test;
using namespace std::string_literals;
using nlohmann::json;

namespace {

/// Arguments sent in one encoding, as a receiver of another one reads them; discarded if they cannot be converted.
json converted(wamp::Encoding from, wamp::Encoding to, const json& arguments) {
  const std::string bytes = bytes_of(from, arguments);
  wamp::Payload payload;
  payload.encoding = from;
  payload.elements = 1;
  payload.bytes = base::as_bytes(bytes);
  std::string out;
  if (!serializers::convert(payload, to, out)) return json(json::value_t::discarded);
  return value_of(to, out);
}

}  // namespace

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
  REQUIRE(converted(wamp::Encoding::msgpack, wamp::Encoding::cbor, binary) == binary);
  REQUIRE(converted(wamp::Encoding::json, wamp::Encoding::msgpack, {{{"k", "\0"s}}}) ==
          json::array({{{"k", json::binary({})}}}));
  const json no_base64 = {"\0not base64!"s};
  REQUIRE(converted(wamp::Encoding::json, wamp::Encoding::msgpack, no_base64) == no_base64);
}

TEST_CASE("numbers that JSON does not have become null") {
  const json odd = {std::numeric_limits<double>::infinity(), std::nan(""), 1.0};
  REQUIRE(converted(wamp::Encoding::msgpack, wamp::Encoding::json, odd) == json::array({nullptr, nullptr, 1.0}));
}

TEST_CASE("what has no form in the other encoding is not converted") {
  wamp::Payload payload;
  payload.encoding = wamp::Encoding::json;
  payload.elements = 1;
  payload.bytes = base::as_bytes(R"(["\ud800"])");  // half a character
  std::string out;
  REQUIRE_FALSE(serializers::convert(payload, wamp::Encoding::msgpack, out));
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
