#include <catch2/catch.hpp>

#include <string>

#include "wamp/uri.hpp"

using namespace crosspoint::wamp;

TEST_CASE("loose URIs forbid white space, '#' and empty components (URIs, loose rule)") {
  for (const char* good : {"a", "com.myapp.topic1", "com.My-App.Ümläut", "a.b+c/d", "0.1", "x\x01"}) {
    INFO(good);
    REQUIRE(is_valid_uri(good, UriCheck::loose));
  }
  for (const char* bad : {"", ".", "a.", ".a", "a..b", "a b", "a\tb", "a#b", "a\nb", "a\xc2\xa0z", "a\xe2\x80\x83z",
                          "a\xe3\x80\x80z", "a\xe1\x9a\x80z", "a\xe2\x81\x9fz", "a\xc2\x85z", "a\xe2\x80\xa8z"}) {
    INFO(bad);
    REQUIRE_FALSE(is_valid_uri(bad, UriCheck::loose));
  }
  REQUIRE(is_valid_uri("\xe2\x80\x8b", UriCheck::loose));  // a zero-width space is no white space
}

TEST_CASE("strict URIs have only digits, lower-case letters and '_' (URIs, strict rule)") {
  REQUIRE(is_valid_uri("com.my_app.topic1", UriCheck::strict));
  for (const char* bad : {"com.MyApp", "com.my-app", "com.ü", "", "a..b"}) {
    INFO(bad);
    REQUIRE_FALSE(is_valid_uri(bad, UriCheck::strict));
  }
}

TEST_CASE("prefixes may be empty or end in a dot; wildcards may have empty components anywhere") {
  REQUIRE(is_valid_pattern("", Match::prefix, UriCheck::loose));
  REQUIRE(is_valid_pattern("com.", Match::prefix, UriCheck::strict));
  REQUIRE_FALSE(is_valid_pattern("com..", Match::prefix, UriCheck::loose));
  REQUIRE_FALSE(is_valid_pattern(".com", Match::prefix, UriCheck::loose));
  for (const char* pattern : {"", ".", "..", "com..x", ".x", "x."}) {
    REQUIRE(is_valid_pattern(pattern, Match::wildcard, UriCheck::strict));
  }
  REQUIRE_FALSE(is_valid_pattern("com.#.x", Match::wildcard, UriCheck::loose));
  REQUIRE_FALSE(is_valid_pattern("com..x", Match::exact, UriCheck::loose));
}

TEST_CASE("URIs end at 4096 bytes") {
  REQUIRE(is_valid_uri(std::string(4096, 'a'), UriCheck::strict));
  REQUIRE_FALSE(is_valid_uri(std::string(4097, 'a'), UriCheck::strict));
}

TEST_CASE("a wildcard pattern matches URIs of as many components (Wildcard Matching)") {
  REQUIRE(matches_wildcard("com..topic", "com.myapp.topic"));
  REQUIRE(matches_wildcard("..", "a.b.c"));
  REQUIRE(matches_wildcard("", "a"));
  REQUIRE(matches_wildcard("a.", "a.b"));
  REQUIRE_FALSE(matches_wildcard("com..topic", "com.myapp.x.topic"));
  REQUIRE_FALSE(matches_wildcard("com..topic", "com.topic"));
  REQUIRE_FALSE(matches_wildcard("com..topic", "com.myapp.topics"));
  REQUIRE_FALSE(matches_wildcard("", "a.b"));
}

TEST_CASE("realm names begin with a letter and have 3 to 255 characters, or are Ethereum addresses") {
  for (const char* good : {"ws-workshop", "somewhere-else", "realm1", "a@b.c", "abc"}) {
    REQUIRE(is_valid_realm_name(good));
  }
  REQUIRE(is_valid_realm_name("0x" + std::string(40, 'A')));
  REQUIRE(is_valid_realm_name(std::string(255, 'a')));
  for (const char* bad : {"", "ab", "1abc", "a b c", "réalm", "_abc", "a#c"}) REQUIRE_FALSE(is_valid_realm_name(bad));
  REQUIRE_FALSE(is_valid_realm_name(std::string(256, 'a')));
  REQUIRE_FALSE(is_valid_realm_name("0x" + std::string(39, 'A')));
}

TEST_CASE("reserved URIs have wamp as first component") {
  REQUIRE(is_reserved("wamp.session.count"));
  REQUIRE_FALSE(is_reserved("wampx.y"));
  REQUIRE_FALSE(is_reserved("com.wamp.x"));
}
