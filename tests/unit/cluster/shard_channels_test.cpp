#include "cluster/shard_channels.hpp"

#include <catch2/catch.hpp>
#include <set>

#include "redis/slot_map.hpp"

using crosspoint::cluster::ShardChannels;
using crosspoint::redis::slot_of;

TEST_CASE("the channels of a topic's bucket are in one slot") {
  const ShardChannels channels("p");
  const unsigned bucket = ShardChannels::bucket_of("com.example.news");
  REQUIRE(bucket == slot_of("com.example.news") % 256);  // how other programs find it: CLUSTER KEYSLOT
  const std::string tag = "p:{realm1:" + std::to_string(bucket) + "}:";
  REQUIRE(channels.topic("realm1", "com.example.news") == tag + "topic:com.example.news");
  REQUIRE(channels.patterns("realm1", bucket) == tag + "patterns");
  REQUIRE(channels.retained("realm1", bucket) == tag + "retained");
  const std::uint16_t slot = ShardChannels::slot_of("realm1", bucket);
  for (const std::string& channel : {channels.topic("realm1", "com.example.news"), channels.patterns("realm1", bucket),
                                     channels.retained("realm1", bucket)}) {
    REQUIRE(slot_of(channel) == slot);
  }
  REQUIRE(slot_of(channels.topic("realm1", "com.{a}.b")) ==
          ShardChannels::slot_of("realm1", ShardChannels::bucket_of("com.{a}.b")));
}

TEST_CASE("meta events of a realm have one channel after the other on one master") {
  for (const std::string_view topic :
       {"wamp.session.on_join", "wamp.subscription.on_create", "wamp.registration.on_delete"}) {
    REQUIRE(ShardChannels::bucket_of(topic) == 0);
  }
  REQUIRE(ShardChannels::bucket_of("wampus.session") != 0);
}

TEST_CASE("the topics of a realm are spread over the slots, and realms over other ones") {
  std::set<std::uint16_t> slots;
  std::size_t first_third = 0;
  for (unsigned bucket = 0; bucket < ShardChannels::kBuckets; ++bucket) {
    const std::uint16_t slot = ShardChannels::slot_of("realm1", bucket);
    slots.insert(slot);
    if (slot < 16384 / 3) ++first_third;
  }
  REQUIRE(slots.size() > 250);
  REQUIRE(first_third > 60);
  REQUIRE(first_third < 110);
  REQUIRE(ShardChannels::slot_of("realm2", 0) != ShardChannels::slot_of("realm1", 0));
}

TEST_CASE("names can be taken apart, and others are no such names") {
  const ShardChannels channels("app:one");
  ShardChannels::Parts parts;
  REQUIRE(channels.split("app:one:{r:17}:topic:com.{a}:b", parts));
  REQUIRE(parts.realm == "r");
  REQUIRE(parts.kind == "topic");
  REQUIRE(parts.topic == "com.{a}:b");
  REQUIRE(channels.split("app:one:{r:17}:patterns", parts));
  REQUIRE(parts.kind == "patterns");
  REQUIRE(parts.topic.empty());
  REQUIRE(channels.split("app:one:{r:17}:retained", parts));
  REQUIRE(parts.kind == "retained");
  for (const std::string_view other :
       {"", "app:one", "app:one:{", "app:one:{r:17", "app:one:{r}:patterns", "app:one:{r:17}",
        "app:one:{r:17}:", "app:one:{r:17}:topic", "app:one:{r:17}:patterns:a", "app:one:r:topic:a", "{app:one}:nodes",
        "app:two:{r:17}:patterns"}) {
    INFO(other);
    REQUIRE_FALSE(channels.split(other, parts));
  }
}
