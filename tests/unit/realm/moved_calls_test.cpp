#include <catch2/catch.hpp>

#include "support/test_realm.hpp"

using crosspoint::test::TestClient;
using crosspoint::test::TestRealm;
using nlohmann::json;

// Calls of registrations with `concurrency` whose callee, on another shard, leaves before they reach it.
namespace {

crosspoint::realm::RealmOptions with_queue() {
  auto options = crosspoint::test::quiet();
  options.call_queues.push_back({"com.", crosspoint::wamp::Match::prefix, 10});
  return options;
}

/// A caller on shard 0, and callees of com.p on shards 1 and 2 that take one call at a time, in this order.
struct World {
  /// How many calls the first callee takes at a time.
  explicit World(int concurrency = 1) : one(callee(1, concurrency)), two(callee(2)) {}
  TestRealm realm{3, with_queue()};
  TestClient& caller = realm.join(0, "caller");
  TestClient& one;
  TestClient& two;

  TestClient& callee(unsigned shard, int concurrency = 1) {
    auto& client = realm.join(shard, "callee", "user", {true, true, true});
    register_(client, concurrency);
    return client;
  }
  static void register_(TestClient& client, int concurrency) {
    client.send(R"([64,1,{"match":"prefix","invoke":"roundrobin","concurrency":)" + std::to_string(concurrency) +
                R"(},"com.p"])");
    REQUIRE(client.last()[0] == 65);
  }
  void call(int request, const std::string& options = "{}") {
    const std::string text = std::to_string(request);
    REQUIRE(caller.send("[48," + text + "," + options + ",\"com.p.x\",[" + text + "]]").empty());
  }
  static void serve(TestClient& client, const json& invocation) {
    client.send("[70," + invocation[1].dump() + ",{}," + invocation[4].dump() + "]");
  }
};

}  // namespace

TEST_CASE("a call on its way to a callee of another shard that leaves goes to another one, with all that it has") {
  World world;
  world.call(1, R"({"timeout":5000,"ppt_scheme":"x_a"})");
  REQUIRE(world.realm.under_way(0, 1) == 1);
  world.one.leave();
  world.realm.settle();
  const json invocation = world.two.take();
  REQUIRE(invocation[3] == json{{"procedure", "com.p.x"}, {"ppt_scheme", "x_a"}});
  REQUIRE(invocation[4] == json::array({1}));
  REQUIRE(world.realm.timers.size() == 1);
  World::serve(world.two, invocation);
  world.realm.settle();
  REQUIRE(world.caller.take()[3] == json::array({1}));
  REQUIRE(world.caller.session().calls.empty());
  REQUIRE(world.realm.timers.empty());
  world.call(2);  // the slot is free again
  world.realm.settle();
  REQUIRE(world.two.waiting() == 1);
}

TEST_CASE("a callee that unregisters is not called any more: the call waits for another one that is busy") {
  World world;
  world.call(1);
  world.call(2);
  world.realm.settle();
  const json first = world.one.take();
  const json second = world.two.take();
  world.call(3);
  REQUIRE(world.caller.session().waiting.size() == 1);
  World::serve(world.one, first);  // its turn is on the way to the caller's shard
  world.one.send("[66,2," + first[2].dump() + "]");
  world.realm.settle();
  REQUIRE(world.caller.session().waiting.size() == 1);
  World::serve(world.two, second);
  world.realm.settle();
  REQUIRE(world.two.take()[4] == json::array({3}));
}

TEST_CASE("a call that has lost its callee fails if there is no other one, or a later call has started") {
  World alone;
  alone.two.leave();
  alone.call(1);
  alone.one.leave();
  alone.realm.settle();
  REQUIRE(alone.caller.take()[4] == "wamp.error.canceled");
  REQUIRE(alone.caller.session().calls.empty());

  World world;
  world.call(1);
  world.call(2);
  world.one.leave();
  world.realm.settle();
  REQUIRE(
      world.caller.take() ==
      json::array({8, 48, 1, json::object(), "wamp.error.canceled", {"the callee left before the call reached it"}}));
  REQUIRE(world.two.take()[4] == json::array({2}));
  REQUIRE(world.two.waiting() == 0);
}

TEST_CASE("a call that was canceled, or whose caller has left, goes to no other callee") {
  for (const std::string mode : {"kill", "killnowait"}) {
    World world;
    world.call(1);
    world.caller.send("[49,1,{\"mode\":\"" + mode + "\"}]");
    world.one.leave();
    world.realm.settle();
    REQUIRE(world.caller.take()[4] == "wamp.error.canceled");
    REQUIRE(world.caller.session().calls.empty());
    REQUIRE(world.two.waiting() == 0);
  }
  World world;
  world.call(1);
  world.one.leave();
  world.caller.leave();
  world.realm.settle();
  REQUIRE(world.two.waiting() == 0);
}

TEST_CASE("a call in pieces that has lost its callee fails") {
  World world;
  world.call(1, R"({"progress":true})");
  world.one.leave();
  world.realm.settle();
  REQUIRE(world.caller.take()[4] == "wamp.error.canceled");
  REQUIRE(world.two.waiting() == 0);
}

TEST_CASE("several calls on their way to a callee that leaves all go to another one, in their order") {
  for (const bool carried_one_by_one : {false, true}) {
    World world(3);
    world.call(1);
    world.call(2);
    world.realm.settle();
    const json busy = world.two.take();
    REQUIRE(busy[4] == json::array({2}));
    REQUIRE(world.one.take()[4] == json::array({1}));
    world.call(3);
    world.call(4);
    REQUIRE(world.realm.under_way(0, 1) == 2);
    world.one.leave();
    if (carried_one_by_one) {
      REQUIRE(world.realm.carry(0, 1));
      REQUIRE(world.realm.carry(1, 0));  // the failure of call 1
      while (world.caller.session().waiting.empty()) REQUIRE(world.realm.carry(1, 0));
      world.call(5);  // behind those that come back
    }
    world.realm.settle();
    REQUIRE(world.caller.take()[2] == 1);  // which its callee had got
    REQUIRE(world.caller.waiting() == 0);
    if (!carried_one_by_one) world.call(5);
    World::serve(world.two, busy);
    std::vector<int> order;
    for (world.realm.settle(); world.two.waiting() > 0; world.realm.settle()) {
      const json invocation = world.two.take();
      order.push_back(invocation[4][0]);
      World::serve(world.two, invocation);
    }
    REQUIRE(order == std::vector<int>{3, 4, 5});
    REQUIRE(world.caller.session().calls.empty());
  }
}

TEST_CASE("of calls that come back, none gets to a callee behind a later one that it has got after registering again") {
  World world(3);
  world.call(1);
  world.call(2);
  world.realm.settle();
  const json registration = world.one.take()[2];
  world.two.take();  // stays busy
  world.call(3);
  world.call(4);
  world.one.send("[66,2," + registration.dump() + "]");
  REQUIRE(world.realm.carry(0, 1));  // call 3 finds nobody
  World::register_(world.one, 3);
  REQUIRE(world.realm.carry(0, 1));
  REQUIRE(world.one.last()[4] == json::array({4}));  // call 4 does
  world.realm.settle();
  const json failed = world.caller.take();
  REQUIRE(failed[2] == 3);
  REQUIRE(failed[4] == "wamp.error.canceled");
  REQUIRE(world.one.waiting() == 0);
}
