#include "cluster/interests.hpp"

#include <catch2/catch.hpp>

using crosspoint::cluster::Interests;

namespace {

const Interests::Name kTopic{"p:r:topic:a"};
const Interests::Name kPattern{"p:r:topic:a*", true};

}  // namespace

TEST_CASE("a subscription waits until Redis has confirmed its channel") {
  Interests interests;
  REQUIRE(interests.connected().empty());
  Interests::Waiters ready;
  REQUIRE(interests.want(kTopic, {0, 1}, ready));
  REQUIRE(interests.want(kPattern, {0, 2}, ready));
  REQUIRE(ready.empty());
  REQUIRE(interests.unconfirmed() == 2);
  REQUIRE(interests.confirmed() == Interests::Waiters{{0, 1}});
  REQUIRE(interests.confirmed() == Interests::Waiters{{0, 2}});
  REQUIRE(interests.confirmed().empty());
}

TEST_CASE("what two subscriptions want is asked for once, and given up with the second") {
  Interests interests;
  interests.connected();
  Interests::Waiters ready;
  REQUIRE(interests.want(kPattern, {0, 1}, ready));
  REQUIRE_FALSE(interests.want(kPattern, {0, 2}, ready));
  REQUIRE(ready.empty());
  REQUIRE(interests.confirmed() == Interests::Waiters{{0, 1}, {0, 2}});
  REQUIRE_FALSE(interests.want(kPattern, {0, 3}, ready));
  REQUIRE(ready == Interests::Waiters{{0, 3}});
  REQUIRE_FALSE(interests.release(kPattern));
  REQUIRE_FALSE(interests.release(kPattern));
  REQUIRE(interests.release(kPattern));
  REQUIRE_FALSE(interests.release(kPattern));
  REQUIRE(interests.size() == 0);
}

TEST_CASE("a channel given up and wanted again is confirmed by the second answer") {
  Interests interests;
  interests.connected();
  Interests::Waiters ready;
  REQUIRE(interests.want(kTopic, {0, 1}, ready));
  REQUIRE(interests.release(kTopic));
  REQUIRE(interests.want(kTopic, {0, 2}, ready));
  REQUIRE_FALSE(interests.want(kTopic, {0, 3}, ready));
  REQUIRE(interests.confirmed() == Interests::Waiters{{0, 1}});
  REQUIRE(interests.confirmed() == Interests::Waiters{{0, 2}, {0, 3}});
  REQUIRE(ready.empty());
}

TEST_CASE("without a connection nothing waits, and with the next one everything is asked for again") {
  Interests interests;
  Interests::Waiters ready;
  REQUIRE_FALSE(interests.want(kTopic, {1, 7}, ready));
  REQUIRE(ready == Interests::Waiters{{1, 7}});
  REQUIRE(interests.connected() == std::vector{kTopic});
  ready.clear();
  REQUIRE(interests.want(kPattern, {1, 8}, ready));
  REQUIRE(interests.disconnected() == Interests::Waiters{{1, 8}});
  REQUIRE(interests.unconfirmed() == 0);
  REQUIRE_FALSE(interests.release(kTopic));
  REQUIRE(interests.connected() == std::vector{kPattern});
  REQUIRE(interests.confirmed().empty());
  REQUIRE(interests.unconfirmed() == 0);
}
