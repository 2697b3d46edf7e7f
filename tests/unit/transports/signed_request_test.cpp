#include <catch2/catch.hpp>

#include "transports/web/signed_request.hpp"

using namespace std::chrono_literals;
using namespace crosspoint::transports::web;

namespace {

const std::chrono::system_clock::time_point kNow{std::chrono::seconds(1'318'611'591)};  // 2011-10-14T16:59:51Z

// The signature was made with openssl dgst -sha256 -hmac secret.
Parameters good() {
  return {{"key", "foobar"},
          {"timestamp", "2011-10-14T16:59:51.123Z"},
          {"seq", "1"},
          {"nonce", "14"},
          {"signature", "-9EsnEi0vmAvTaAsJ3D3dwRnGI4p2Jw2czTQsixJbFE="}};
}

SignatureCheck check(const Parameters& parameters, std::string_view body = "{}", std::string_view secret = "secret",
                     std::chrono::seconds limit = 300s) {
  return check_signature(parameters, body, "foobar", secret, limit, kNow);
}

}  // namespace

TEST_CASE("queries are taken apart: escapes, plus signs, the first of several") {
  const auto query = parse_query("a=1&b=%20+x&a=2&c&=d&e=f=g&");
  REQUIRE(query.has_value());
  REQUIRE(query->at("a") == "1");
  REQUIRE(query->at("b") == "  x");
  REQUIRE(query->at("c").empty());
  REQUIRE(query->at("e") == "f=g");
  REQUIRE_FALSE(parse_query("a=%zz").has_value());
  REQUIRE(parse_query("")->empty());
}

TEST_CASE("timestamps are UTC with a fraction") {
  REQUIRE(parse_timestamp("2011-10-14T16:59:51.123Z") == kNow + 123ms);
  REQUIRE(parse_timestamp("2011-10-14T16:59:51.000001Z") == kNow + 1us);
  REQUIRE(parse_timestamp("2011-10-14T16:59:51.5Z") == kNow + 500ms);
  for (const char* text :
       {"", "Z", "2011-10-14", "2011-10-14T16:59:51Z", "2011-10-14T16:59:51.123", "2011-10-14T16:59:51.1234567Z",
        "2011-13-14T16:59:51.1Z", "2011-02-30T16:59:51.1Z", "2011-10-14T24:59:51.1Z", "2011-10-14 16:59:51.1Z",
        "2011-10-14T16:59:51.Z", "2011-10-14T16:59:51.1Zx", "-011-10-14T16:59:51.1Z"}) {
    INFO(text);
    REQUIRE_FALSE(parse_timestamp(text).has_value());
  }
}

TEST_CASE("a signature covers key, timestamp, sequence number, nonce and body") {
  REQUIRE(check(good()).status == 200);
  REQUIRE(check(good()).timestamp == kNow + 123ms);
  REQUIRE(check(good(), "{} ").status == 401);
  REQUIRE(check(good(), "{}", "Secret").status == 401);
  for (const auto& [name, value] : good()) {
    INFO(name);
    auto changed = good();
    changed[name] = name == "timestamp" ? "2011-10-14T16:59:51.124Z" : value + "1";
    REQUIRE(check(changed).status == 401);
    changed.erase(name);
    REQUIRE(check(changed).status == 400);
  }
}

TEST_CASE("timestamps count within the limit, on either side") {
  REQUIRE(check_signature(good(), "{}", "foobar", "secret", 300s, kNow + 300s).status == 200);
  REQUIRE(check_signature(good(), "{}", "foobar", "secret", 300s, kNow + 301s).status == 400);
  REQUIRE(check_signature(good(), "{}", "foobar", "secret", 300s, kNow - 301s).status == 400);
  REQUIRE(check_signature(good(), "{}", "foobar", "secret", 0s, kNow + 1000000s).status == 200);
}

TEST_CASE("without a secret nothing is asked for, but what is there must make sense") {
  REQUIRE(check({}, "{}", "").status == 200);
  REQUIRE(check({{"seq", "x"}}, "{}", "").status == 400);
  REQUIRE(check({{"timestamp", "x"}}, "{}", "").status == 400);
  REQUIRE(check({{"nonce", "-5"}}, "{}", "").status == 200);
}

TEST_CASE("GitHub's signatures") {
  // printf 'Hello, World!' | openssl dgst -sha1 -hmac "It's a Secret to Everybody"
  const std::string secret = "It's a Secret to Everybody";
  REQUIRE(is_github_signature("sha1=01dc10d0c83e72ed246219cdd91669667fe2ca59", "Hello, World!", secret));
  REQUIRE_FALSE(is_github_signature("sha1=01dc10d0c83e72ed246219cdd91669667fe2ca59", "Hello, World", secret));
  REQUIRE_FALSE(is_github_signature("01dc10d0c83e72ed246219cdd91669667fe2ca59", "Hello, World!", secret));
  REQUIRE_FALSE(is_github_signature("", "Hello, World!", secret));
}
