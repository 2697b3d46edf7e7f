#include <catch2/catch.hpp>

#include "support/test_realm.hpp"

using crosspoint::realm::Announced;
using crosspoint::test::quiet;
using crosspoint::test::TestClient;
using crosspoint::test::TestRealm;
using crosspoint::wamp::Match;
using nlohmann::json;

namespace {

constexpr Announced kModern{true, true, true};

crosspoint::realm::RealmOptions with_queue(std::size_t limit) {
  auto options = quiet();
  options.call_queues.push_back({"com.", Match::prefix, limit});
  return options;
}

/// A caller, and callees of com.p on other shards or the same.
struct World {
  explicit World(std::size_t queue, unsigned callee_shard = 1)
      : shard(callee_shard), realm(2, with_queue(queue)), caller(realm.join(0, "caller")) {}

  TestClient& callee(const std::string& options) {
    auto& client = realm.join(shard, "callee", "user", kModern);
    client.send("[64,1," + options + R"(,"com.p"])");
    REQUIRE(client.take()[0] == 65);
    realm.settle();
    return client;
  }
  void call(int request, TestClient& from, const std::string& options = "{}") {
    REQUIRE(
        from.send("[48," + std::to_string(request) + "," + options + R"(,"com.p",[)" + std::to_string(request) + "]]")
            .empty());
    realm.settle();
  }
  void call(int request, const std::string& options = "{}") { call(request, caller, options); }
  /// The number in the invocation that has come, and its answer.
  json serve(TestClient& client) {
    const json invocation = client.take();
    if (invocation.is_null()) return nullptr;
    REQUIRE(invocation[0] == 68);
    client.send("[70," + invocation[1].dump() + ",{}," + invocation[4].dump() + "]");
    realm.settle();
    return invocation[4][0];
  }

  unsigned shard;
  TestRealm realm;
  TestClient& caller;
};

}  // namespace

TEST_CASE("a callee has at most so many invocations as it says; other calls wait in order (concurrency)") {
  for (const unsigned shard : {0U, 1U}) {
    World world(10, shard);
    auto& callee = world.callee(R"({"concurrency":2})");
    for (int i = 1; i <= 5; ++i) world.call(i);
    REQUIRE(callee.waiting() == 2);
    for (int i = 1; i <= 5; ++i) REQUIRE(world.serve(callee) == i);
    for (int i = 1; i <= 5; ++i) REQUIRE(world.caller.take()[1] == i);
    REQUIRE(callee.waiting() + world.caller.waiting() == 0);
    REQUIRE(callee.session().slots.empty());
    REQUIRE(callee.session().invocations.empty());
  }
}

TEST_CASE("an error frees a callee as well as a result does") {
  World world(10);
  auto& callee = world.callee(R"({"concurrency":1})");
  world.call(1);
  world.call(2);
  callee.send("[8,68," + callee.take()[1].dump() + R"(,{},"com.error"])");
  world.realm.settle();
  REQUIRE(world.caller.take()[4] == "com.error");
  REQUIRE(world.serve(callee) == 2);
}

TEST_CASE("calls are refused when all callees are busy and the queue is full, or there is none") {
  for (const std::size_t queue : {0U, 1U}) {
    World world(queue);
    world.callee(R"({"concurrency":1})");
    for (std::size_t i = 1; i <= 1 + queue; ++i) world.call(static_cast<int>(i));
    REQUIRE(world.caller.waiting() == 0);
    world.call(9);
    const json error = world.caller.take();
    REQUIRE(error[2] == 9);
    REQUIRE(error[4] == "crossbar.error.max_concurrency_reached");
  }
}

TEST_CASE("calls with busy callees go to one that is free, as the policy has it") {
  World world(10);
  const std::string options = R"({"invoke":"roundrobin","concurrency":1})";
  auto& one = world.callee(options);
  auto& two = world.callee(options);
  for (int i = 1; i <= 3; ++i) world.call(i);
  REQUIRE(one.waiting() == 1);
  REQUIRE(two.waiting() == 1);
  REQUIRE(world.serve(two) == 2);
  REQUIRE(world.serve(two) == 3);  // the other one is busy still
  auto& three = world.callee(options);
  for (int i = 4; i <= 6; ++i) world.call(i);
  REQUIRE(two.waiting() == 1);
  REQUIRE(three.waiting() == 1);
  auto& four = world.callee(options);  // takes what waits at once
  REQUIRE(world.serve(four) == 6);
}

TEST_CASE("a waiting call that is canceled, times out or whose caller leaves does not reach a callee") {
  for (const unsigned shard : {0U, 1U}) {
    World world(10, shard);
    auto& callee = world.callee(R"({"concurrency":1})");
    auto& leaver = world.realm.join(0, "leaver");
    world.call(1);
    for (const char* mode : {"skip", "kill", "killnowait"}) {
      world.call(2);
      world.caller.send(R"([49,2,{"mode":")" + std::string(mode) + R"("}])");
      REQUIRE(world.caller.take() == json{8, 48, 2, json::object(), "wamp.error.canceled"});
    }
    world.call(3, R"({"timeout":100})");
    world.realm.time_out(0, world.realm.timers.begin()->first);
    REQUIRE(world.caller.take()[4] == "wamp.error.timeout");
    world.call(4, leaver);
    leaver.leave();
    world.call(5);
    REQUIRE(world.serve(callee) == 1);
    REQUIRE(world.serve(callee) == 5);
    REQUIRE(callee.waiting() == 0);
    REQUIRE(world.realm.timers.empty());
  }
}

TEST_CASE("a turn that comes too late goes to the next call") {
  World world(10);
  auto& callee = world.callee(R"({"concurrency":1})");
  auto& other = world.realm.join(1, "other");
  world.call(1);
  world.call(2);
  world.call(3, other);
  callee.send("[70," + callee.take()[1].dump() + ",{}]");  // the turn is on its way to the caller's shard
  world.caller.send("[49,2,{}]");
  world.realm.settle();
  REQUIRE(world.serve(callee) == 3);
}

TEST_CASE("calls that wait keep their order when turns come from several shards") {
  World world(10);
  const std::string options = R"({"invoke":"roundrobin","concurrency":1})";
  auto& one = world.callee(options);
  world.shard = 0;
  auto& two = world.callee(options);
  for (int i = 1; i <= 3; ++i) world.call(i);
  one.send("[70," + one.take()[1].dump() + ",{}]");  // its turn is under way
  two.send("[70," + two.take()[1].dump() + ",{}]");
  world.call(4);
  REQUIRE(world.serve(two) == 3);
  REQUIRE(world.serve(one) == 4);
}

TEST_CASE("when a busy callee leaves, what waits goes to another one, or fails if there is none") {
  for (const unsigned shard : {0U, 1U}) {
    World world(10, shard);
    const std::string options = R"({"invoke":"first","concurrency":1})";
    auto& one = world.callee(options);
    auto& two = world.callee(options);
    world.call(1);
    world.call(2);
    world.call(3);
    one.leave();
    world.realm.settle();
    REQUIRE(world.caller.take()[4] == "wamp.error.canceled");
    REQUIRE(two.waiting() == 1);
    two.leave();
    world.realm.settle();
    for (int i = 2; i <= 3; ++i) REQUIRE(world.caller.take()[4] == "wamp.error.canceled");
    REQUIRE(world.caller.session().calls.empty());
    REQUIRE(world.caller.session().waiting.empty());
  }
}

TEST_CASE("a callee that was not told of a cancellation is busy until it answers") {
  for (const unsigned shard : {0U, 1U}) {
    World world(10, shard);
    auto& callee = world.callee(R"({"concurrency":1})");
    world.call(1);
    world.call(2);
    world.caller.send(R"([49,1,{"mode":"skip"}])");
    world.realm.settle();
    REQUIRE(world.caller.take()[4] == "wamp.error.canceled");
    REQUIRE(callee.waiting() == 1);
    REQUIRE(world.serve(callee) == 1);
    REQUIRE(world.serve(callee) == 2);
    REQUIRE(world.caller.take()[1] == 2);
    world.call(3);
    world.call(4);
    world.caller.send(R"([49,3,{"mode":"killnowait"}])");  // is told, and free at once
    world.realm.settle();
    callee.take();
    REQUIRE(callee.take()[0] == 69);
    REQUIRE(world.serve(callee) == 4);
  }
}

TEST_CASE("a call in pieces does not wait, and one of a pattern is told which procedure it was") {
  World world(10, 0);
  auto& callee = world.callee(R"({"concurrency":1,"match":"prefix"})");
  world.call(1);
  world.call(2);
  world.call(3, R"({"progress":true})");
  REQUIRE(world.caller.take()[4] == "crossbar.error.max_concurrency_reached");
  world.serve(callee);
  REQUIRE(callee.take()[3] == json{{"procedure", "com.p"}});
}

namespace {

constexpr Announced kRerouting{true, true, true, true, true};

TestClient& callee_of(TestRealm& realm, unsigned shard, const std::string& policy, const Announced& announced,
                      const std::string& more = "") {
  auto& client = realm.join(shard, "callee", "user", announced);
  client.send(R"([64,1,{"invoke":")" + policy + "\"" + more + R"(},"com.p"])");
  REQUIRE(client.take()[0] == 65);
  return client;
}

void refuse(TestRealm& realm, TestClient& callee) {
  const json invocation = callee.take();
  REQUIRE(invocation[0] == 68);
  REQUIRE(invocation[4] == json{"payload"});
  callee.send("[8,68," + invocation[1].dump() + R"(,{},"wamp.error.unavailable"])");
  realm.settle();
}

}  // namespace

TEST_CASE("a call whose callee is not available goes to the next one, as the policy has it (Call Re-Routing)") {
  const std::map<std::string, std::vector<std::size_t>> kOrder{
      {"first", {0, 1, 2}}, {"last", {2, 1, 0}}, {"roundrobin", {0, 1, 2}}};
  for (const auto& [policy, order] : kOrder) {
    for (const char* limit : {"", R"(,"concurrency":1)"}) {
      TestRealm realm(2);
      auto& caller = realm.join(0, "caller");
      std::vector<TestClient*> callees;
      for (const unsigned shard : {0U, 1U, 0U}) callees.push_back(&callee_of(realm, shard, policy, kRerouting, limit));
      caller.send(R"([48,1,{"timeout":100},"com.p",["payload"]])");
      realm.settle();
      for (const std::size_t index : {order[0], order[1]}) refuse(realm, *callees[index]);
      REQUIRE(caller.waiting() == 0);
      callees[order[2]]->send("[70," + callees[order[2]]->take()[1].dump() + R"(,{},["done"]])");
      realm.settle();
      REQUIRE(caller.take()[3] == json{"done"});
      REQUIRE(realm.timers.empty());
      REQUIRE(caller.session().reroutable.empty());
      for (auto* callee : callees) REQUIRE(callee->session().slots.empty());
    }
  }
}

TEST_CASE("a call that no callee is available for fails, once all have been asked") {
  for (const std::string policy : {"single", "first", "last", "roundrobin", "random"}) {
    TestRealm realm(2);
    auto& caller = realm.join(0, "caller");
    std::vector<TestClient*> callees{&callee_of(realm, 1, policy, kRerouting)};
    if (policy != "single") callees.push_back(&callee_of(realm, 0, policy, kRerouting));
    caller.send(R"([48,1,{},"com.p",["payload"]])");
    realm.settle();
    for (std::size_t i = 0; i < callees.size(); ++i) {
      refuse(realm, callees[0]->waiting() > 0 ? *callees[0] : *callees.back());
    }
    REQUIRE(caller.take()[4] == "wamp.error.no_available_callee");
    REQUIRE(caller.session().calls.empty());
    REQUIRE(caller.session().reroutable.empty());
  }
}

TEST_CASE("a call is not re-routed if the callee did not announce it, has sent progress, or the call was canceled") {
  for (const unsigned shard : {0U, 1U}) {
    TestRealm realm(2);
    auto& caller = realm.join(0, "caller");
    auto& plain = callee_of(realm, shard, "first", kModern);
    caller.send(R"([48,1,{},"com.p",["payload"]])");
    realm.settle();
    refuse(realm, plain);
    REQUIRE(caller.take()[4] == "wamp.error.unavailable");
    plain.leave();
    auto& one = callee_of(realm, shard, "first", kRerouting);
    auto& two = callee_of(realm, shard, "first", kRerouting);
    caller.send(R"([48,2,{"receive_progress":true},"com.p",["payload"]])");
    realm.settle();
    one.send(R"([70,1,{"progress":true},[1]])");
    refuse(realm, one);
    REQUIRE(caller.take()[0] == 50);
    REQUIRE(caller.take()[4] == "wamp.error.unavailable");
    caller.send(R"([48,3,{},"com.p",["payload"]])");
    realm.settle();
    caller.send(R"([49,3,{"mode":"kill"}])");
    realm.settle();
    refuse(realm, one);
    REQUIRE(caller.take()[4] == "wamp.error.unavailable");
    REQUIRE(one.take()[0] == 69);
    REQUIRE(two.waiting() == 0);
  }
}

TEST_CASE("a call of a pattern keeps its procedure when it goes to another callee") {
  TestRealm realm;
  auto& caller = realm.join(0, "caller");
  auto& one = callee_of(realm, 0, "first", kRerouting, R"(,"match":"prefix")");
  auto& two = callee_of(realm, 0, "first", kModern, R"(,"match":"prefix")");
  caller.send(R"([48,1,{},"com.p.something.longer.than.a.small.string",["payload"]])");
  refuse(realm, one);
  REQUIRE(two.take()[3] == json{{"procedure", "com.p.something.longer.than.a.small.string"}});
}
