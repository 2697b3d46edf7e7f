#include "cluster/channels.hpp"

#include <catch2/catch.hpp>

using crosspoint::cluster::Channels;
using crosspoint::wamp::Match;

TEST_CASE("topics have a channel each, from which realm and topic can be read") {
  const Channels channels("app:one");
  REQUIRE(channels.topic("realm1", "com.a:b") == "app:one:realm1:topic:com.a:b");
  std::string_view realm;
  std::string_view topic;
  REQUIRE(channels.split("app:one:realm1:topic:com.a:b", realm, topic));
  REQUIRE(realm == "realm1");
  REQUIRE(topic == "com.a:b");
  for (const std::string_view other :
       {"", "app:one", "app:one:", "app:one:nodes", "app:one:realm1:topic", "app:one:realm1:topics:a",
        "app:two:realm1:topic:a", "app:one1:realm1:topic:a"}) {
    INFO(other);
    REQUIRE_FALSE(channels.split(other, realm, topic));
  }
}

TEST_CASE("patterns of WAMP become patterns of Redis, their own special characters mean themselves") {
  const Channels channels("p");
  REQUIRE(channels.pattern("r", "com.a", Match::prefix) == "p:r:topic:com.a*");
  REQUIRE(channels.pattern("r", "", Match::prefix) == "p:r:topic:*");
  REQUIRE(channels.pattern("r", "com..a.", Match::wildcard) == "p:r:topic:com.*.a.*");
  REQUIRE(channels.pattern("r", "", Match::wildcard) == "p:r:topic:*");
  REQUIRE(channels.pattern("r", "a*b?c[d]e\\f", Match::prefix) == "p:r:topic:a\\*b\\?c\\[d\\]e\\\\f*");
  REQUIRE(channels.pattern("r", "*.[x]", Match::wildcard) == "p:r:topic:\\*.\\[x\\]");
}
