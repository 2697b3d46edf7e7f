#include "cluster/interests.hpp"

#include <catch2/catch.hpp>

using crosspoint::cluster::Interests;

namespace {

const Interests::Name kTopic{"p:r:topic:a"};
const Interests::Name kPattern{"p:r:topic:a*", true};

/// As want() for an owner that has one connection, and asks by one command.
bool want(Interests& interests, const Interests::Name& name, const Interests::Waiter& waiter,
          Interests::Waiters& ready) {
  if (!interests.want(name, waiter, ready)) return false;
  interests.asked(name);
  return true;
}

}  // namespace

TEST_CASE("a subscription waits until Redis has confirmed its channel") {
  Interests interests;
  REQUIRE(interests.connected().empty());
  Interests::Waiters ready;
  REQUIRE(want(interests, kTopic, {0, 1}, ready));
  REQUIRE(want(interests, kPattern, {0, 2}, ready));
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
  REQUIRE(want(interests, kPattern, {0, 1}, ready));
  REQUIRE_FALSE(want(interests, kPattern, {0, 2}, ready));
  REQUIRE(ready.empty());
  REQUIRE(interests.confirmed() == Interests::Waiters{{0, 1}, {0, 2}});
  REQUIRE_FALSE(want(interests, kPattern, {0, 3}, ready));
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
  REQUIRE(want(interests, kTopic, {0, 1}, ready));
  REQUIRE(interests.release(kTopic));
  REQUIRE(want(interests, kTopic, {0, 2}, ready));
  REQUIRE_FALSE(want(interests, kTopic, {0, 3}, ready));
  REQUIRE(interests.confirmed() == Interests::Waiters{{0, 1}});
  REQUIRE(interests.confirmed() == Interests::Waiters{{0, 2}, {0, 3}});
  REQUIRE(ready.empty());
}

TEST_CASE("without a connection nothing waits, and with the next one everything is asked for again") {
  Interests interests;
  Interests::Waiters ready;
  REQUIRE_FALSE(want(interests, kTopic, {1, 7}, ready));
  REQUIRE(ready == Interests::Waiters{{1, 7}});
  REQUIRE(interests.connected() == std::vector{kTopic});
  interests.asked(kTopic);
  ready.clear();
  REQUIRE(want(interests, kPattern, {1, 8}, ready));
  REQUIRE(interests.disconnected() == Interests::Waiters{{1, 8}});
  REQUIRE(interests.unconfirmed() == 0);
  REQUIRE_FALSE(interests.release(kTopic));
  REQUIRE(interests.connected() == std::vector{kPattern});
  interests.asked(kPattern);
  REQUIRE(interests.confirmed().empty());
  REQUIRE(interests.unconfirmed() == 0);
}

TEST_CASE("what is asked for on several connections waits for all of them, and for nothing else") {
  Interests interests;
  interests.connected();
  Interests::Waiters ready;
  REQUIRE(interests.want(kPattern, {0, 1}, ready));
  for (const std::size_t connection : {0, 1, 1}) interests.asked(kPattern, connection);
  REQUIRE(interests.want(kTopic, {0, 2}, ready));
  interests.asked(kTopic, 0);
  REQUIRE(interests.unconfirmed() == 4);
  REQUIRE(interests.confirmed(2).empty());
  REQUIRE(interests.confirmed(1).empty());
  REQUIRE(interests.confirmed(0).empty());
  REQUIRE(interests.confirmed(0) == Interests::Waiters{{0, 2}});
  REQUIRE_FALSE(interests.want(kPattern, {0, 3}, ready));
  REQUIRE(ready.empty());
  REQUIRE(interests.confirmed(1) == Interests::Waiters{{0, 1}, {0, 3}});
  REQUIRE(interests.confirmed(1).empty());
  REQUIRE_FALSE(interests.want(kPattern, {0, 4}, ready));
  REQUIRE(ready == Interests::Waiters{{0, 4}});
}

TEST_CASE("who waits for several connections is told once when they are lost") {
  Interests interests;
  interests.connected();
  Interests::Waiters ready;
  REQUIRE(interests.want(kPattern, {0, 1}, ready));
  for (const std::size_t connection : {0, 1, 2}) interests.asked(kPattern, connection);
  REQUIRE(interests.confirmed(1).empty());
  REQUIRE(interests.disconnected() == Interests::Waiters{{0, 1}});
  REQUIRE(interests.unconfirmed() == 0);
}

TEST_CASE("what was wanted before the connections is told from what is wanted later") {
  Interests interests;
  Interests::Waiters ready;
  interests.want(kTopic, {}, ready);
  REQUIRE(interests.connected() == std::vector{kTopic});
  for (const std::size_t connection : {0, 1}) interests.asked(kTopic, connection);
  REQUIRE(interests.unconfirmed_first() == 2);
  REQUIRE(interests.want(kPattern, {0, 1}, ready));
  interests.asked(kPattern, 0);
  REQUIRE(interests.unconfirmed_first() == 2);
  interests.confirmed(0);
  REQUIRE(interests.confirmed(0) == Interests::Waiters{{0, 1}});
  REQUIRE(interests.unconfirmed_first() == 1);
  interests.confirmed(1);
  REQUIRE(interests.unconfirmed_first() == 0);
  interests.disconnected();
  interests.connected();
  REQUIRE(interests.unconfirmed_first() == 0);
}
