#include <catch2/catch.hpp>

#include "realm/meta_order.hpp"
#include "support/test_realm.hpp"

using crosspoint::realm::MetaOrder;
using crosspoint::realm::MetaTopic;
using crosspoint::test::TestClient;
using crosspoint::test::TestRealm;
using nlohmann::json;

namespace {

crosspoint::realm::RealmOptions with_meta_api() { return {}; }

std::uint64_t subscribe(TestClient& client, const std::string& topic, const std::string& options = "{}") {
  client.send("[32,1," + options + ",\"" + topic + "\"]");
  return client.last()[2];
}

/// A listener to everything that the router publishes.
TestClient& listener(TestRealm& realm, unsigned shard) {
  auto& client = realm.join(shard);
  subscribe(client, "wamp.", R"({"match":"prefix"})");
  return client;
}

/// The topics of the events that a client got, each with the session that did it.
std::vector<std::string> heard(TestClient& client) {
  std::vector<std::string> all;
  while (client.waiting() > 0) {
    const json event = client.take();
    const json& who = event[4][0];
    const std::string topic = event[3].value("topic", "");
    all.push_back(topic.substr(5) + " " + (who.is_object() ? who.at("session") : who).dump());
  }
  return all;
}

}  // namespace

TEST_CASE("on_delete waits for the on_unsubscribe of another shard (order of meta events)") {
  TestRealm realm(3, with_meta_api());
  auto& one = realm.join(0);
  auto& two = realm.join(1);
  const auto id = std::to_string(subscribe(one, "com.a"));
  subscribe(two, "com.a");
  auto& ear = listener(realm, 2);
  one.send("[34,2," + id + "]");
  two.send("[34,2," + id + "]");
  while (realm.carry(1, 2)) {  // on_unsubscribe and on_delete: both happened after the first on_unsubscribe
  }
  REQUIRE(ear.waiting() == 0);
  realm.settle();
  REQUIRE(heard(ear) == std::vector<std::string>{"subscription.on_unsubscribe 1000", "subscription.on_unsubscribe 1001",
                                                 "subscription.on_delete 1001"});
}

TEST_CASE("a callee that is removed by another shard: on_join first, on_leave last, on_register before on_unregister") {
  TestRealm realm(3, with_meta_api());
  auto& ear = listener(realm, 2);
  auto& remover = realm.join(1);
  realm.settle();
  heard(ear);
  auto& callee = realm.join(0);
  const auto who = std::to_string(callee.id());
  callee.send(R"([64,1,{},"com.p"])");
  const auto id = callee.take()[2].dump();
  remover.send("[48,9,{},\"wamp.registration.remove_callee\",[" + id + "," + who + "]]");
  callee.leave();
  while (realm.carry(1, 2)) {
  }
  REQUIRE(ear.waiting() == 0);  // what was reported there comes after the rest
  realm.settle();
  REQUIRE(heard(ear) == std::vector<std::string>{"session.on_join " + who, "registration.on_create " + who,
                                                 "registration.on_register " + who, "registration.on_unregister " + who,
                                                 "registration.on_delete " + who, "session.on_leave " + who});
}

TEST_CASE("on_join comes before what the session publishes, though an earlier event of another shard is late") {
  TestRealm realm(3, with_meta_api());
  auto& ear = realm.join(2);
  subscribe(ear, "", R"({"match":"prefix"})");
  heard(ear);
  auto& late = realm.join(1);  // nothing is carried yet
  auto& publisher = realm.join(0);
  publisher.send(R"([16,1,{},"com.topic"])");
  while (realm.carry(0, 2)) {
  }
  const json first = ear.take();
  REQUIRE(first[3]["topic"] == "wamp.session.on_join");
  REQUIRE(first[4][0]["session"] == publisher.id());
  REQUIRE(ear.take()[3]["topic"] == "com.topic");
  realm.settle();
  REQUIRE(heard(ear) == std::vector<std::string>{"session.on_join " + std::to_string(late.id())});
}

TEST_CASE("what happens is told only to shards with listeners of that, and nothing is sent if there are none") {
  TestRealm realm(3, with_meta_api());
  auto& client = realm.join(0);
  const auto id = subscribe(client, "com.a");
  REQUIRE(realm.under_way(0, 1) + realm.under_way(0, 2) == 0);
  auto& ear = realm.join(1);
  const auto deletions = subscribe(ear, "wamp.subscription.on_delete");
  client.send("[34,2," + std::to_string(id) + "]");
  REQUIRE(realm.under_way(0, 1) == 1);  // of on_unsubscribe nobody wants to hear
  REQUIRE(realm.under_way(0, 2) == 0);
  realm.settle();
  REQUIRE(ear.take()[4] == json::array({client.id(), id}));
  ear.send("[34,2," + std::to_string(deletions) + "]");
  subscribe(client, "com.a");
  client.leave();
  REQUIRE(realm.under_way(0, 1) == 0);
}

TEST_CASE("who begins to listen hears nothing of what was before, though it is still under way") {
  TestRealm realm(2, with_meta_api());
  auto& ear = realm.join(1);
  const auto all = std::to_string(subscribe(ear, "wamp.", R"({"match":"prefix"})"));
  auto& client = realm.join(0);
  const auto id = std::to_string(subscribe(client, "com.a"));
  ear.send("[34,2," + all + "]");
  client.send("[34,2," + id + "]");  // of which nobody hears
  subscribe(ear, "wamp.", R"({"match":"prefix"})");
  ear.last();
  realm.settle();
  REQUIRE(ear.waiting() == 0);
  client.leave();
  realm.settle();
  REQUIRE(heard(ear).size() == 1);
}

TEST_CASE("history keeps each meta event once, in its order") {
  TestRealm realm(3, with_meta_api());
  auto* log = realm.realm().add_history("wamp.subscription.on_subscribe", crosspoint::wamp::Match::exact, {10});
  auto& one = realm.join(1);
  auto& two = realm.join(2);
  subscribe(realm.join(2), "wamp.", R"({"match":"prefix"})");
  subscribe(one, "com.a");
  subscribe(two, "com.a");
  while (realm.carry(2, 0)) {
  }
  REQUIRE(log->events().empty());
  realm.settle();
  REQUIRE(log->events().size() == 2);
  const std::string first(crosspoint::base::as_text(log->events()[0].publication->payload.bytes));
  REQUIRE(first.starts_with("[" + std::to_string(one.id()) + ","));
}

TEST_CASE("places are counted for each shard that has listeners of the topic") {
  MetaOrder order;
  REQUIRE(order.take(MetaTopic::session_on_join).empty());
  const auto joins = crosspoint::realm::meta_topics_of("wamp.session.on_join", crosspoint::wamp::Match::exact);
  const auto everything = crosspoint::realm::meta_topics_of("wamp..", crosspoint::wamp::Match::wildcard);
  REQUIRE(crosspoint::realm::meta_topics_of("com.a", crosspoint::wamp::Match::exact) == 0);
  REQUIRE(crosspoint::realm::meta_topics_of("wamp", crosspoint::wamp::Match::prefix) == 0x3ff);
  REQUIRE(everything == 0x3ff);
  REQUIRE(order.add_listener(joins, 3) == 0);
  REQUIRE(order.add_listener(joins, 3) == 0);
  REQUIRE(order.add_listener(everything, 63) == 0);
  const auto first = order.take(MetaTopic::session_on_join);
  REQUIRE(first.size() == 2);
  REQUIRE(first[0].shard == 3);
  REQUIRE(first[1].shard == 63);
  REQUIRE(order.take(MetaTopic::session_on_leave).size() == 1);
  REQUIRE(order.take(MetaTopic::session_on_join)[0].number == 2);
  REQUIRE(order.take(MetaTopic::session_on_leave)[0].number == 4);
  order.remove_listener(joins, 3);
  REQUIRE(order.take(MetaTopic::session_on_join).size() == 2);
  order.remove_listener(joins, 3);
  REQUIRE(order.take(MetaTopic::session_on_join).size() == 1);
  REQUIRE(order.add_listener(joins, 3) == 3);
}
