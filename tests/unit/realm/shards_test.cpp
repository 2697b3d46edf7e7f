#include <catch2/catch.hpp>

#include <set>

#include "support/test_realm.hpp"

using crosspoint::test::rules;
using crosspoint::test::TestRealm;
using nlohmann::json;

TEST_CASE("an event reaches subscribers on every shard, with one message between shards for all of them") {
  TestRealm realm(4);
  auto& publisher = realm.join(0, "ann");
  std::vector<crosspoint::test::TestClient*> subscribers;
  for (unsigned shard = 0; shard < 3; ++shard) {
    for (int i = 0; i < 2; ++i) {
      subscribers.push_back(&realm.join(shard));
      subscribers.back()->send(R"([32,1,{},"com.topic"])");
      subscribers.back()->send(R"([32,1,{"match":"prefix"},"com"])");
      subscribers.back()->last();
    }
  }
  publisher.send(R"([16,1,{},"com.topic",[1],{"k":"v"}])");
  REQUIRE(realm.under_way(0, 1) == 1);
  REQUIRE(realm.under_way(0, 2) == 1);
  REQUIRE(realm.under_way(0, 3) == 0);
  realm.settle();
  std::set<std::uint64_t> publications;
  for (auto* subscriber : subscribers) {
    REQUIRE(subscriber->waiting() == 2);
    const json first = subscriber->take();
    const json second = subscriber->take();
    REQUIRE(first[4] == json::array({1}));
    REQUIRE(second[5] == json{{"k", "v"}});
    REQUIRE(first[3].size() + second[3].size() == 1);  // the topic, for the prefix
    publications.insert({first[2].get<std::uint64_t>(), second[2].get<std::uint64_t>()});
  }
  REQUIRE(publications.size() == 1);
}

TEST_CASE("filters and disclosure hold on other shards") {
  TestRealm realm(2);
  realm.realm().add_role("known", rules({"publish com.topic disclose"}));
  auto& publisher = realm.join(0, "ann", "known");
  auto& bob = realm.join(1, "bob");
  auto& cid = realm.join(1, "cid");
  for (auto* client : {&bob, &cid}) {
    client->send(R"([32,1,{},"com.topic"])");
    client->last();
  }
  publisher.send(R"([16,1,{"exclude_authid":["bob"]},"com.topic"])");
  realm.settle();
  REQUIRE(bob.waiting() == 0);
  REQUIRE(cid.take()[3] ==
          json{{"publisher", publisher.id()}, {"publisher_authid", "ann"}, {"publisher_authrole", "known"}});
}

TEST_CASE("a member that left before the event reached its shard does not get it") {
  TestRealm realm(2);
  auto& publisher = realm.join(0);
  auto& subscriber = realm.join(1);
  subscriber.send(R"([32,1,{},"com.topic"])");
  const auto id = subscriber.last()[2].get<std::uint64_t>();
  publisher.send(R"([16,1,{},"com.topic"])");
  subscriber.send("[34,2," + std::to_string(id) + "]");
  realm.settle();
  REQUIRE(subscriber.take() == json::array({35, 2}));
  REQUIRE(subscriber.waiting() == 0);
}

TEST_CASE("calls, results and errors cross shards") {
  TestRealm realm(3);
  realm.realm().add_role("known", rules({"call com.add.x disclose"}));
  auto& callee = realm.join(1, "server");
  auto& caller = realm.join(2, "ann", "known");
  callee.send(R"([64,1,{"match":"prefix"},"com.add"])");
  const auto id = callee.last()[2];
  caller.send(R"([48,5,{},"com.add.x",[1,2]])");
  realm.settle();
  REQUIRE(callee.take() == json::array({68,
                                        1,
                                        id,
                                        {{"caller", caller.id()},
                                         {"caller_authid", "ann"},
                                         {"caller_authrole", "known"},
                                         {"procedure", "com.add.x"}},
                                        {1, 2}}));
  callee.send("[70,1,{},[3]]");
  realm.settle();
  REQUIRE(
      caller.take() ==
      json::array({50, 5, {{"callee", callee.id()}, {"callee_authid", "server"}, {"callee_authrole", "user"}}, {3}}));
  caller.send(R"([48,6,{},"com.add.x"])");
  realm.settle();
  callee.last();
  callee.send(R"([8,68,2,{"d":1},"com.error",["no"]])");
  realm.settle();
  REQUIRE(caller.take() == json::array({8, 48, 6, {{"d", 1}}, "com.error", {"no"}}));
}

TEST_CASE("a call that finds its callee gone, or no longer registered, is answered") {
  TestRealm realm(2);
  auto& callee = realm.join(1);
  auto& caller = realm.join(0);
  callee.send(R"([64,1,{},"com.add"])");
  const auto id = callee.last()[2].get<std::uint64_t>();
  caller.send(R"([48,5,{},"com.add"])");
  callee.send("[66,2," + std::to_string(id) + "]");
  callee.last();
  realm.settle();
  REQUIRE(
      caller.take() ==
      json::array({8, 48, 5, json::object(), "wamp.error.canceled", {"the callee left before the call reached it"}}));
  REQUIRE(callee.waiting() == 0);
  callee.send(R"([64,3,{},"com.add"])");
  caller.send(R"([48,6,{},"com.add"])");
  callee.leave();
  realm.settle();
  REQUIRE(caller.take()[4] == "wamp.error.canceled");
}

TEST_CASE("calls under way fail across shards when the callee leaves, and are forgotten when the caller does") {
  TestRealm realm(2);
  auto& callee = realm.join(1);
  auto& caller = realm.join(0);
  auto& other = realm.join(0);
  callee.send(R"([64,1,{},"com.add"])");
  caller.send(R"([48,5,{},"com.add"])");
  other.send(R"([48,6,{},"com.add"])");
  realm.settle();
  other.leave();
  callee.leave();
  realm.settle();
  REQUIRE(caller.take()[5] == json::array({"callee disconnected from in-flight request"}));
}

TEST_CASE("round robin turns over callees of all shards") {
  TestRealm realm(3);
  auto& caller = realm.join(0);
  std::vector<crosspoint::test::TestClient*> callees;
  for (unsigned shard = 0; shard < 3; ++shard) {
    callees.push_back(&realm.join(shard));
    callees.back()->send(R"([64,1,{"invoke":"roundrobin"},"com.add"])");
    callees.back()->last();
  }
  for (int i = 0; i < 6; ++i) caller.call("com.add");
  realm.settle();
  for (auto* callee : callees) REQUIRE(callee->waiting() == 2);
}

TEST_CASE("what clients do not send in a session is a protocol violation") {
  TestRealm realm;
  auto& client = realm.join();
  for (const char* message :
       {R"([1,"realm1",{}])", "[2,5,{}]", R"([4,"ticket",{}])", R"([5,"x",{}])", "[17,1,2]", "[33,1,2]", "[35,1]",
        "[36,1,2,{}]", "[50,1,{}]", "[65,1,2]", "[67,1]", "[68,1,2,{}]", "[69,1,{}]", R"([8,48,1,{},"com.error"])"}) {
    INFO(message);
    REQUIRE_FALSE(client.send(message).empty());
  }
  REQUIRE(client.waiting() == 0);
}

TEST_CASE("a session id that is taken cannot join") {
  TestRealm realm(2);
  auto& client = realm.join(0);
  auto identity = std::make_shared<crosspoint::realm::Identity>(*client.session().identity);
  crosspoint::test::TestClient other(realm, 1);
  REQUIRE(realm.realm().shard(1).join(other, identity, *realm.realm().find_role("user")) == nullptr);
  REQUIRE(realm.realm().shard(1).sessions().size() == 0);
}

TEST_CASE("a realm has the roles trusted and anonymous; the latter may do nothing unless it is defined") {
  TestRealm realm;
  const auto* anonymous = realm.realm().find_role("anonymous");
  REQUIRE(anonymous != nullptr);
  REQUIRE_FALSE(anonymous->decide("com.x", crosspoint::realm::Action::call).allow);
  REQUIRE(realm.realm().find_role("trusted")->decide("wamp.x", crosspoint::realm::Action::register_).allow);
  REQUIRE(realm.realm().find_role("nobody") == nullptr);
  REQUIRE_FALSE(realm.realm().add_role("trusted", rules({})));
  REQUIRE_FALSE(realm.realm().add_role("user", rules({})));
  REQUIRE(realm.realm().add_role("anonymous", rules({"call com.x"})));
  REQUIRE(realm.realm().find_role("anonymous")->decide("com.x", crosspoint::realm::Action::call).allow);
}
