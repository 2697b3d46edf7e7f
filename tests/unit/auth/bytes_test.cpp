#include <catch2/catch.hpp>

#include "auth/bytes.hpp"

using namespace crosspoint::auth;
using namespace std::string_literals;

TEST_CASE("hexadecimal digits, of both cases, and nothing else") {
  REQUIRE(to_hex("\x00\x7f\xff"s) == "007fff");
  REQUIRE(from_hex("007fFF") == "\x00\x7f\xff"s);
  REQUIRE(from_hex("") == "");
  for (const auto* text : {"0", "0g", " 00", "0x00", "00 "}) REQUIRE_FALSE(from_hex(text).has_value());
}

TEST_CASE("base64 gives the known answers (RFC 4648, section 10)") {
  const std::pair<const char*, const char*> known[]{{"", ""},
                                                    {"f", "Zg=="},
                                                    {"fo", "Zm8="},
                                                    {"foo", "Zm9v"},
                                                    {"foob", "Zm9vYg=="},
                                                    {"fooba", "Zm9vYmE="},
                                                    {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : known) {
    REQUIRE(to_base64(bytes) == text);
    REQUIRE(from_base64(text) == bytes);
  }
  REQUIRE(from_base64("AAAA") == "\0\0\0"s);
  REQUIRE(from_base64("AA==") == "\0"s);
}

TEST_CASE("base64 that is not exactly in form is refused") {
  for (const auto* text : {"Zg", "Zg=", "Zh==", "Zm9=", "Z===", "====", " Zm9v", "Zm9v\n", "Zm9vYg==Zm9v", "Zm-_",
                           "Zm=v", "\xff\xff\xff\xff", " Zm9v   ", "    ", "\n\n\n\n"}) {
    INFO(text);
    REQUIRE_FALSE(from_base64(text).has_value());
  }
}

TEST_CASE("the same bytes twice are none") {
  REQUIRE(xor_bytes("\x01\x02\xff"s, "\x03\x02\x0f"s) == "\x02\x00\xf0"s);
  REQUIRE(xor_bytes("", "").empty());
}
