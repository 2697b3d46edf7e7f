#include <catch2/catch.hpp>

#include <cmath>
#include <limits>

#include "serializers/ubjson_reader.hpp"
#include "serializers/value.hpp"
#include "unit/serializers/samples.hpp"

using namespace crosspoint;
using namespace crosspoint::test;
using namespace std::string_literals;
using nlohmann::json;
using serializers::Kind;
using serializers::UbjsonReader;

namespace {

/// How many bytes of `text` are one value; 0 if they are none.
std::size_t skipped(const std::string& text) {
  const std::vector<std::uint8_t> bytes(text.begin(), text.end());
  serializers::Scratch scratch;
  UbjsonReader reader(bytes, scratch);
  return reader.skip().size();
}

json tree(const std::string& bytes) {
  json value;
  return serializers::to_value(wamp::Encoding::ubjson, base::as_bytes(bytes), value) ? value
                                                                                     : json(json::value_t::discarded);
}

std::uint64_t number_of(const std::string& bytes) {
  serializers::Scratch scratch;
  UbjsonReader reader(base::as_bytes(bytes), scratch);
  std::uint64_t number = 0;
  return reader.read_uint(number) ? number : std::numeric_limits<std::uint64_t>::max();
}

Kind kind_of(const std::string& bytes) {
  serializers::Scratch scratch;
  return UbjsonReader(base::as_bytes(bytes), scratch).kind();
}

std::string written(const json& value) {
  std::string out;
  serializers::append_value(wamp::Encoding::ubjson, value, out);
  return out;
}

constexpr auto kFailed = std::numeric_limits<std::uint64_t>::max();

}  // namespace

TEST_CASE("UBJSON: values of every type, as the draft writes them") {
  const std::pair<std::string, json> values[] = {
      {"Z", nullptr},
      {"T", true},
      {"F", false},
      {"i\xff"s, -1},
      {"U\xff"s, 255},
      {"I\xff\x7f"s, -129},
      {"l\x00\x00\x80\x00"s, 32768},
      {"L\x00\x20\x00\x00\x00\x00\x00\x00"s, 9007199254740992},
      {"d\x3f\xc0\x00\x00"s, 1.5},
      {"D\x3f\xf8\x00\x00\x00\x00\x00\x00"s, 1.5},
      {"Ca", "a"},
      {"SU\x03\xc3\xbc!", "\u00fc!"},
      {"HU\x13"s + "9223372036854775808", 9223372036854775808U},
      {"[]", json::array()},
      {"[ZN]", json::array({nullptr})},
      {"[#U\x02TF"s, {true, false}},
      {"[$i#U\x02\x01\xff"s, {1, -1}},
      {"[$S#U\x02U\x01xU\x01y"s, {"x", "y"}},
      {"[$[#U\x02]T]"s, {json::array(), {true}}},
      {"{}", json::object()},
      {"{U\x01kT}"s, {{"k", true}}},
      {"{#U\x01U\x01kT"s, {{"k", true}}},
      {"{$U#U\x02U\x01k\x05U\x01l\x06"s, {{"k", 5}, {"l", 6}}},
      {"[$U#U\x02\x00\xff"s, json::binary({0, 255})},
  };
  for (const auto& [bytes, value] : values) {
    INFO(json(bytes).dump(-1, ' ', true, json::error_handler_t::replace));
    REQUIRE(tree(bytes) == value);
    REQUIRE(skipped(bytes) == bytes.size());
  }
}

TEST_CASE("UBJSON: what is no value is refused, by the reader and as a tree") {
  for (const std::string& bytes : {""s,
                                   "N"s,
                                   "x"s,
                                   "]"s,
                                   "["s,
                                   "[T"s,
                                   "{T}"s,
                                   "{U\x01k}"s,
                                   "{U\x01kT"s,
                                   "{SU\x01kT}"s,  //
                                   "i"s,
                                   "I\x01"s,
                                   "l\x01\x02\x03"s,
                                   "L1234567"s,
                                   "d123"s,
                                   "D1234567"s,
                                   "C"s,
                                   "C\xc3"s,
                                   "S"s,
                                   "SU"s,
                                   "SU\x05"
                                   "abc"s,
                                   "SU\x01\xff"s,
                                   "Si\xff"s,
                                   "SSU\x01"
                                   "aa"s,
                                   "SD12345678"s,  //
                                   "HU\x01x"s,
                                   "HU\x02"
                                   "01"s,
                                   "HU\x02"
                                   "1."s,
                                   "HU\x02"
                                   "1e"s,
                                   "HU\x00"s,
                                   "HU\x01-"s,
                                   "[$U"s,
                                   "[$U]"s,
                                   "[#i\xff"s,
                                   "[#U\x05TT"s,
                                   "[$I#U\x02\x01\x02\x03"s,
                                   "[$C#U\x01\xff"s,
                                   "[$x#U\x01x"s,
                                   "[#L\x7f\xff\xff\xff\xff\xff\xff\xff"s,
                                   "{$U#U\x01U\x01k"s,
                                   "[$[#U\x01"s}) {
    INFO(json(bytes).dump(-1, ' ', true, json::error_handler_t::replace));
    REQUIRE(skipped(bytes) == 0);
    REQUIRE(tree(bytes).is_discarded());
  }
}

TEST_CASE("UBJSON: a few bytes cannot stand for any number of values") {
  for (const char type : {'Z', 'T', 'F', 'N'}) {
    REQUIRE(skipped("[$"s + type + "#l\x7f\xff\xff\xff"s) == 0);
    REQUIRE(tree("[$"s + type + "#U\x02"s).is_discarded());
  }
}

TEST_CASE("UBJSON: ids of every integer type are read, and whole doubles") {
  REQUIRE(number_of("i\x05") == 5);
  REQUIRE(number_of("U\xff") == 255);
  REQUIRE(number_of("I\x7f\xff") == 32767);
  REQUIRE(number_of("l\x7f\xff\xff\xff") == 2147483647);
  REQUIRE(number_of("L\x00\x20\x00\x00\x00\x00\x00\x00"s) == 9007199254740992U);
  REQUIRE(number_of("D\x40\xc8\x1c\x80\x00\x00\x00\x00"s) == 12345);
  REQUIRE(number_of("NNU\x07") == 7);
  for (const std::string& bytes :
       {"i\xff"s, "I\x80\x00"s, "D\x3f\xf8\x00\x00\x00\x00\x00\x00"s, "d\x3f\x80\x00\x00"s, "T"s,
        "SU\x01"
        "5"s,
        "HU\x01"
        "5"s,
        ""s}) {
    REQUIRE(number_of(bytes) == kFailed);
  }
}

TEST_CASE("UBJSON: kinds are told apart by their markers; a counted list of bytes is binary") {
  const std::pair<const char*, Kind> kinds[] = {{"Z", Kind::null},        {"T", Kind::boolean}, {"U1", Kind::integer},
                                                {"D1", Kind::number},     {"H", Kind::number},  {"Ca", Kind::text},
                                                {"S", Kind::text},        {"[", Kind::list},    {"{", Kind::dict},
                                                {"[$U#U", Kind::invalid}, {"x", Kind::invalid}, {"", Kind::invalid}};
  for (const auto& [bytes, kind] : kinds) REQUIRE(kind_of(bytes) == kind);
  REQUIRE(kind_of("[$U#U\x01\x05") == Kind::binary);
  REQUIRE(kind_of("[$i#U\x01\x05") == Kind::list);
}

TEST_CASE("UBJSON: envelopes may use counts and types, too") {
  Decoded counted(wamp::Encoding::ubjson,
                  "[#U\x04U\x20U\x01{#U\x01U\x05matchSU\x06prefixSU\x03"
                  "com");
  REQUIRE(counted.problem == "");
  REQUIRE(std::get<wamp::Subscribe>(counted.message).options.match == wamp::Match::prefix);
  Decoded typed(wamp::Encoding::ubjson,
                "[U\x10U\x01{U\x07"
                "exclude[$i#U\x02\x03\x04}SU\x05"
                "com.t]");
  REQUIRE(typed.problem == "");
  REQUIRE(std::get<wamp::Publish>(typed.message).options.filter->exclude == std::vector<std::uint64_t>{3, 4});
}

TEST_CASE("UBJSON: what we write is the shortest form, and binary where it was binary") {
  REQUIRE(written({0, 255, 256, 40000, -1, -129, 1.5, nullptr, true}) ==
          "[U\x00U\xffI\x01\x00l\x00\x00\x9c\x40i\xffI\xff\x7f"s + "D\x3f\xf8\x00\x00\x00\x00\x00\x00ZT]"s);
  REQUIRE(written(json::binary({1, 2})) == "[$U#U\x02\x01\x02"s);
  REQUIRE(written(UINT64_MAX) ==
          "HU\x14"
          "18446744073709551615");
  REQUIRE(written(std::nan("")) == "Z");
  REQUIRE(written(std::numeric_limits<double>::infinity()) == "Z");
  REQUIRE(tree(written({{"k", {1, json::binary({})}}})) == json{{"k", {1, json::binary({})}}});
}

TEST_CASE("UBJSON: binary values cross to the other serializers and back") {
  Decoded decoded(wamp::Encoding::ubjson, "[U\x46U\x01{}[[$U#U\x02\x00\xff]]"s);
  REQUIRE(decoded.problem == "");
  REQUIRE(encode(wamp::Encoding::json, decoded.message) == R"([70,1,{},["\u0000AP8="]])");
  REQUIRE(json::from_msgpack(encode(wamp::Encoding::msgpack, decoded.message))[3][0] == json::binary({0, 255}));
  Decoded text(wamp::Encoding::json, R"([70,1,{},["\u0000AP8="]])");
  REQUIRE(encode(wamp::Encoding::ubjson, text.message) == "[U\x46U\x01{}[[$U#U\x02\x00\xff]]"s);
}
