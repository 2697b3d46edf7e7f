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

TEST_CASE("in a Redis Cluster what has an order has one hash tag, and topics have names of their own") {
  Channels channels("app:one");
  const std::string before = channels.private_of("a/1f");
  REQUIRE(before == "app:one:to:a/1f");
  channels.set_sharded(true);
  REQUIRE(channels.cluster_key() == "{app:one}");
  REQUIRE(channels.private_of("a/1f") == "{app:one}:to:a/1f");
  REQUIRE(channels.sharded(before) == channels.private_of("a/1f"));
  REQUIRE(channels.nodes() == "{app:one}:nodes");
  REQUIRE(channels.all() == "{app:one}:all");
  REQUIRE(channels.node("a") == "{app:one}:node:a");
  REQUIRE(channels.writer("a/1f") == "{app:one}:writer:a/1f");
  REQUIRE(channels.retained("r") == "{app:one}:r:retained");
  REQUIRE(channels.topic("r", "com.a") == "app:one:r:topic:com.a");
  channels.set_sharded(false);
  REQUIRE(channels.private_of("a/1f") == before);
}
