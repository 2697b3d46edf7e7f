#include "settings/redis_url.hpp"

#include <catch2/catch.hpp>

using namespace crosspoint::settings;

namespace {

RedisUrl good(std::string_view text) {
  RedisUrl url;
  const auto problem = parse_redis_url(text, url);
  INFO(text << ": " << problem);
  REQUIRE(problem.empty());
  return url;
}

}  // namespace

TEST_CASE("a Redis URL names host, port, database, user and password") {
  RedisUrl url = good("redis://localhost");
  REQUIRE(url.host == "localhost");
  REQUIRE(url.port == 6379);
  REQUIRE(url.database == 0);
  REQUIRE(url.user.empty());
  REQUIRE(url.password.empty());
  REQUIRE_FALSE(url.tls);

  url = good("rediss://joe:s%40c:%2Fr@t@[::1]:6380/12");
  REQUIRE(url.host == "::1");
  REQUIRE(url.port == 6380);
  REQUIRE(url.database == 12);
  REQUIRE(url.user == "joe");
  REQUIRE(url.password == "s@c:/r@t");
  REQUIRE(url.tls);

  url = good("redis://:secret@redis.example.com/");
  REQUIRE(url.user.empty());
  REQUIRE(url.password == "secret");
  REQUIRE(url.database == 0);
}

TEST_CASE("a Redis URL that is wrong says what is wrong, without showing any of it") {
  for (const std::string_view text :
       {"", "localhost:6379", "http://localhost", "redis://", "redis://:1", "redis://host:0", "redis://host:65536",
        "redis://host:x", "redis://host:", "redis://host/x", "redis://host/-1", "redis://host/2147483648",
        "redis://[::1", "redis://[::1]6379", "redis://secret@host", "redis://joe:@host", "redis://joe:%4@host",
        "redis://joe:%zz@host"}) {
    RedisUrl url;
    url.host = "as before";
    const auto problem = parse_redis_url(text, url);
    INFO(text);
    REQUIRE_FALSE(problem.empty());
    REQUIRE(problem.find("secret") == std::string_view::npos);
    REQUIRE(url.host == "as before");
  }
}
