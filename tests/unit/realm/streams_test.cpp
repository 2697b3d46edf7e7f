#include <catch2/catch.hpp>

#include "support/test_realm.hpp"

using crosspoint::realm::Announced;
using crosspoint::realm::Intake;
using crosspoint::test::TestClient;
using crosspoint::test::TestRealm;
using nlohmann::json;

namespace {

constexpr Announced kModern{true, true, true};
const std::string kPiece(100'000, 'x');

struct World {
  explicit World(unsigned callee_shard)
      : realm(2), caller(realm.join(0, "caller")), callee(realm.join(callee_shard, "callee", "user", kModern)) {
    callee.send(R"([64,1,{},"com.p"])");
    callee.take();
  }
  std::string call(const std::string& options, int request = 1) {
    caller.send("[48," + std::to_string(request) + "," + options + R"(,"com.p",["x"]])");
    realm.settle();
    return callee.last()[1].dump();
  }

  TestRealm realm;
  TestClient& caller;
  TestClient& callee;
};

}  // namespace

TEST_CASE("who streams results to a caller whose queue is full is held back until there is room") {
  for (const unsigned shard : {0U, 1U}) {
    World world(shard);
    const std::string invocation = world.call(R"({"receive_progress":true})");
    world.callee.send("[70," + invocation + R"(,{"progress":true},[1]])");
    world.realm.settle();
    REQUIRE_FALSE(world.callee.held_back());
    world.caller.session().intake->set_full(true);
    world.callee.send("[70," + invocation + R"(,{"progress":true},[2]])");
    REQUIRE(world.callee.held_back());
    world.caller.session().intake->set_full(false);
    REQUIRE_FALSE(world.callee.held_back());
    world.caller.session().intake->set_full(true);
    world.callee.send("[70," + invocation + R"(,{},["end"]])");  // the last one is as any other result
    REQUIRE_FALSE(world.callee.held_back());
    REQUIRE(world.callee.session().result_streams.empty());
  }
}

TEST_CASE("a session whose transport queues few messages has few pieces under way to it") {
  World world(1);
  world.caller.session().most_under_way = 5 * crosspoint::realm::kPieceCost;
  const std::string invocation = world.call(R"({"receive_progress":true})");
  int sent = 0;
  for (; !world.callee.held_back() && sent < 100; ++sent) {
    world.callee.send("[70," + invocation + R"(,{"progress":true},[1]])");
  }
  REQUIRE(sent == 5);
  world.realm.settle();
  REQUIRE_FALSE(world.callee.held_back());
}

TEST_CASE("a callee is held back while a megabyte of its results is under way to another thread") {
  World world(1);
  const std::string invocation = world.call(R"({"receive_progress":true})");
  std::size_t sent = 0;
  for (; !world.callee.held_back() && sent < 100; ++sent) {
    world.callee.send("[70," + invocation + R"(,{"progress":true},[")" + kPiece + "\"]]");
  }
  REQUIRE(sent * kPiece.size() > Intake::kMostUnderWay);
  REQUIRE(sent * kPiece.size() < Intake::kMostUnderWay + 2 * kPiece.size());
  world.realm.settle();
  REQUIRE_FALSE(world.callee.held_back());
  REQUIRE(world.caller.waiting() == sent);
}

TEST_CASE("a callee is not held back any more when the caller leaves or cancels") {
  for (const unsigned shard : {0U, 1U}) {
    World world(shard);
    const std::string invocation = world.call(R"({"receive_progress":true})");
    world.caller.session().intake->set_full(true);
    world.callee.send("[70," + invocation + R"(,{"progress":true},[1]])");
    REQUIRE(world.callee.held_back());
    world.caller.leave();
    REQUIRE_FALSE(world.callee.held_back());
    world.realm.settle();
    REQUIRE(world.callee.session().result_streams.empty());
  }
}

TEST_CASE("who makes a call in pieces is held back while the callee's queue is full") {
  for (const unsigned shard : {0U, 1U}) {
    World world(shard);
    world.call(R"({"progress":true})");
    REQUIRE_FALSE(world.caller.held_back());
    world.callee.session().intake->set_full(true);
    world.caller.send(R"([48,1,{"progress":true},"com.p",[2]])");
    REQUIRE(world.caller.held_back());
    world.callee.session().intake->set_full(false);
    REQUIRE_FALSE(world.caller.held_back());
    world.caller.send(R"([48,1,{},"com.p",[3]])");
    REQUIRE(world.caller.session().call_streams.empty());
    if (shard == 0) continue;
    world.caller.send(R"([48,2,{"progress":true},"com.p",[2]])");
    for (int i = 0; i < 12; ++i) world.caller.send(R"([48,2,{"progress":true},"com.p",[")" + kPiece + "\"]]");
    REQUIRE(world.caller.held_back());
    world.realm.settle();
    REQUIRE_FALSE(world.caller.held_back());
  }
}

TEST_CASE("a session that calls itself in a stream is held back only by itself, and not when it is gone") {
  TestRealm realm;
  auto& self = realm.join(0, "self", "user", kModern);
  self.send(R"([64,1,{},"com.p"])");
  self.send(R"([48,2,{"receive_progress":true},"com.p"])");
  const std::string invocation = self.last()[1].dump();
  self.session().intake->set_full(true);
  self.send("[70," + invocation + R"(,{"progress":true},[1]])");
  REQUIRE(self.held_back());
  const auto intake = self.session().intake;
  self.leave();
  REQUIRE_FALSE(intake->congested());
}

TEST_CASE("a result that the caller cannot be sent is the end of its call") {
  for (const unsigned shard : {0U, 1U}) {
    World world(shard);
    const std::string invocation = world.call(R"({"receive_progress":true})");
    auto& realm = world.realm;
    realm.undelivered_result(world.caller, 1);
    REQUIRE(world.caller.take() == json{8, 48, 1, json::object(), "wamp.error.payload_size_exceeded", {"too long"}});
    REQUIRE(world.callee.take() == json{69, std::stoi(invocation), {{"mode", "killnowait"}}});
    world.callee.send("[70," + invocation + R"(,{"progress":true},[2]])");
    world.callee.send("[70," + invocation + R"(,{},[2]])");
    realm.settle();
    REQUIRE(world.caller.waiting() == 0);
  }
}
