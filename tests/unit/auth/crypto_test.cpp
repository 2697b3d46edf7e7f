#include <catch2/catch.hpp>

#include <regex>
#include <set>

#include "auth/crypto.hpp"

using namespace crosspoint::auth;

TEST_CASE("HMAC-SHA256 gives the known answer (RFC 4231, test case 2)") {
  REQUIRE(hmac_sha256_base64("Jefe", "what do ya want for nothing?") == "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=");
  REQUIRE(hmac_sha256_base64("", "").size() == 44);
}

TEST_CASE("PBKDF2-HMAC-SHA256 gives the known answer (RFC 7914, section 11)") {
  REQUIRE(derive_wampcra_key("passwd", "salt", 1, 32) == "VawEblbjCJ/sFpHCJUS2BflBhSFt3gRl5oudV8INrLw=");
  REQUIRE(derive_wampcra_key("secret", "salt", 0, 32).empty());
  REQUIRE(derive_wampcra_key("secret", "salt", 1000, 0).empty());
}

TEST_CASE("secrets are equal only if every byte is") {
  REQUIRE(equal_secrets("", ""));
  REQUIRE(equal_secrets("abc", "abc"));
  REQUIRE_FALSE(equal_secrets("abc", "abd"));
  REQUIRE_FALSE(equal_secrets("abc", "abcd"));
  REQUIRE_FALSE(equal_secrets("", "a"));
}

TEST_CASE("random texts have the characters and lengths asked for, and do not repeat") {
  REQUIRE(std::regex_match(random_text(64), std::regex("[0-9A-Za-z]{64}")));
  REQUIRE(std::regex_match(random_authid(), std::regex("([0-9A-Z]{4}-){5}[0-9A-Z]{4}")));
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) seen.insert(random_authid());
  REQUIRE(seen.size() == 100);
}
