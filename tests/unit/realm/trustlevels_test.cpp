#include <catch2/catch.hpp>

#include "realm/event_log.hpp"
#include "support/test_realm.hpp"

using namespace crosspoint;
using nlohmann::json;
using test::TestClient;
using test::TestRealm;

namespace {

/// The role "known" may do everything, with trust level 7.
void add_known(TestRealm& realm) { realm.realm().add_role("known", realm::make_fixed_authorizer({true, false, 7})); }

realm::RealmOptions with_meta_api() {
  realm::RealmOptions options;
  options.meta_api = true;
  return options;
}

}  // namespace

TEST_CASE("subscribers are told the trust level of a publication, on every shard (Publication Trust Levels)") {
  TestRealm realm(2);
  add_known(realm);
  auto& here = realm.join(0);
  auto& there = realm.join(1);
  for (auto* subscriber : {&here, &there}) {
    subscriber->send(R"([32,1,{},"com.topic"])");
    subscriber->take();
  }
  realm.join(0, "ann", "known").send(R"([16,1,{},"com.topic"])");
  realm.join(0, "joe", "user").send(R"([16,1,{},"com.topic"])");
  realm.settle();
  for (auto* subscriber : {&here, &there}) {
    REQUIRE(subscriber->take()[3] == json{{"trustlevel", 7}});
    REQUIRE(subscriber->take()[3] == json::object());
  }
}

TEST_CASE("callees are told the trust level of a call, on every shard (Call Trust Levels)") {
  TestRealm realm(2);
  add_known(realm);
  auto& here = realm.join(0);
  auto& there = realm.join(1);
  here.send(R"([64,1,{},"com.here"])");
  there.send(R"([64,1,{},"com.there"])");
  realm.settle();
  auto& known = realm.join(0, "ann", "known");
  auto& other = realm.join(0, "joe", "user");
  for (auto* caller : {&known, &other}) {
    caller->call("com.here");
    caller->call("com.there");
  }
  realm.settle();
  for (auto* callee : {&here, &there}) {
    callee->take();
    REQUIRE(callee->take()[3] == json{{"trustlevel", 7}});
    REQUIRE(callee->take()[3] == json::object());
  }
}

TEST_CASE("a call that waits or goes to another callee keeps its trust level") {
  realm::RealmOptions options;
  options.call_queues.push_back({"com.", wamp::Match::prefix, 10});
  TestRealm realm(1, options);
  add_known(realm);
  realm::Announced announced;
  announced.call_reroute = true;
  auto& first = realm.join(0, "a", "user", announced);
  auto& second = realm.join(0, "b", "user", announced);
  auto& caller = realm.join(0, "ann", "known");
  for (auto* callee : {&first, &second}) {
    callee->send(R"([64,1,{"invoke":"first","concurrency":1},"com.slow"])");
    callee->take();
  }
  caller.call("com.slow");
  caller.call("com.slow");  // waits
  const json one = first.take();
  REQUIRE(one[3]["trustlevel"] == 7);
  first.send(json{8, 68, one[1], json::object(), "wamp.error.unavailable"}.dump());
  REQUIRE(second.take()[3]["trustlevel"] == 7);  // went on
  REQUIRE(first.take()[3]["trustlevel"] == 7);   // waited
}

TEST_CASE("a dynamic authorizer may give a trust level; the role's counts where it does not") {
  TestRealm realm;
  realm.realm().add_dynamic_role("app", "com.authorizer", 2);
  auto& subscriber = realm.join();
  subscriber.send(R"([32,1,{},"com.topic"])");
  subscriber.take();
  auto& publisher = realm.join(0, "ann", "app");
  const auto told = [&](const json& answer) {
    publisher.send(R"([16,1,{},"com.topic"])");
    publisher.answer(answer);
    return subscriber.take()[3];
  };
  REQUIRE(told({{"allow", true}, {"trustlevel", 9}}) == json{{"trustlevel", 9}});
  REQUIRE(told({{"allow", true}, {"trustlevel", 0}}) == json{{"trustlevel", 0}});
  REQUIRE(told({{"allow", true}, {"trustlevel", nullptr}}) == json{{"trustlevel", 2}});
  REQUIRE(told(true) == json{{"trustlevel", 2}});
  REQUIRE(told({{"allow", true}, {"trustlevel", -1}}) == json());  // refused: that is no level
  REQUIRE(told({{"allow", true}, {"trustlevel", 2147483648}}) == json());
  REQUIRE(told({{"allow", true}, {"trustlevel", 8}, {"cache", true}}) == json{{"trustlevel", 8}});
  publisher.send(R"([16,1,{},"com.topic"])");
  REQUIRE(subscriber.take()[3] == json{{"trustlevel", 8}});  // remembered
}

TEST_CASE("retained events, history and testaments keep their trust level") {
  TestRealm realm(1, with_meta_api());
  realm.realm().add_history("com.topic", wamp::Match::exact, {});
  add_known(realm);
  auto& publisher = realm.join(0, "ann", "known");
  publisher.send(R"([16,1,{"retain":true},"com.topic"])");
  auto& reader = realm.join();
  reader.send(R"([32,1,{"get_retained":true},"com.topic"])");
  const json subscription = reader.take()[2];
  REQUIRE(reader.take()[3] == json{{"trustlevel", 7}, {"retained", true}});
  publisher.send(R"([48,1,{},"wamp.session.add_testament",["com.topic",[],{}]])");
  publisher.leave();
  REQUIRE(reader.take()[3] == json{{"trustlevel", 7}});
  reader.send(json{48, 1, json::object(), "wamp.subscription.get_events", {subscription}}.dump());
  const json events = reader.take()[3][0];
  REQUIRE(events.size() == 2);
  for (const json& event : events) REQUIRE(event["details"] == json{{"trustlevel", 7}});
}
