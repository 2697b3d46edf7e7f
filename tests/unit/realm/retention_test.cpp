#include <catch2/catch.hpp>

#include <set>

#include "support/test_realm.hpp"

using crosspoint::test::quiet;
using crosspoint::test::rules;
using crosspoint::test::TestClient;
using crosspoint::test::TestRealm;
using nlohmann::json;

namespace {

void publish(TestClient& client, const std::string& topic, int value, const std::string& options = "") {
  client.send(R"([16,1,{"retain":true)" + options + "},\"" + topic + "\",[" + std::to_string(value) + "]]");
}

/// Subscribes and returns what came behind SUBSCRIBED.
std::vector<json> subscribe(TestClient& client, const std::string& uri,
                            const std::string& options = R"({"get_retained":true})") {
  client.send("[32,1," + options + ",\"" + uri + "\"]");
  std::vector<json> events;
  REQUIRE(client.take()[0] == 33);
  while (client.waiting() > 0) events.push_back(client.take());
  return events;
}

/// The first arguments of events.
std::vector<int> values(const std::vector<json>& events) {
  std::vector<int> all;
  for (const json& event : events) all.push_back(event[4][0].get<int>());
  return all;
}

}  // namespace

TEST_CASE("a subscriber that asks for it gets the newest retained event (Event Retention)") {
  TestRealm realm;
  auto& publisher = realm.join();
  publish(publisher, "com.topic", 1);
  publish(publisher, "com.topic", 2);
  publisher.send(R"([16,1,{},"com.topic",[3]])");
  publisher.send(R"([16,1,{"retain":false},"com.topic",[4]])");
  auto& asks = realm.join();
  const auto events = subscribe(asks, "com.topic");
  REQUIRE(values(events) == std::vector<int>{2});
  REQUIRE(events[0][3] == json{{"retained", true}});
  REQUIRE(subscribe(realm.join(), "com.topic", "{}").empty());
  REQUIRE(subscribe(realm.join(), "com.topic", R"({"get_retained":false})").empty());
  REQUIRE(subscribe(realm.join(), "com.other").empty());
  REQUIRE(subscribe(asks, "com.topic").size() == 1);  // asking again
  publish(publisher, "com.topic", 5);
  const json live = asks.take();
  REQUIRE(live[3] == json::object());
  REQUIRE(live[4] == json::array({5}));
  REQUIRE(asks.waiting() == 0);
}

TEST_CASE("a retained event keeps its publication id and its publisher's identity if that was disclosed") {
  TestRealm realm;
  realm.realm().add_role("known", rules({"publish com.topic disclose"}));
  auto& publisher = realm.join(0, "ann", "known");
  publisher.send(R"([16,1,{"retain":true,"acknowledge":true,"ppt_scheme":"x_a"},"com.topic",[1]])");
  const json published = publisher.take();
  REQUIRE(published[0] == 17);
  const auto session = publisher.id();
  publisher.leave();
  const auto events = subscribe(realm.join(), "com.topic");
  REQUIRE(events[0][2] == published[2]);
  REQUIRE(events[0][3] == json{{"publisher", session},
                               {"publisher_authid", "ann"},
                               {"publisher_authrole", "known"},
                               {"ppt_scheme", "x_a"},
                               {"retained", true}});
}

TEST_CASE("patterns get the newest retained event of each topic, oldest first, with the topic") {
  TestRealm realm;
  auto& publisher = realm.join();
  publish(publisher, "a.b.x", 1);
  publish(publisher, "a.c.x", 2);
  publish(publisher, "a.b.y", 3);
  publish(publisher, "ab", 4);
  publish(publisher, "b.b.x", 5);
  publish(publisher, "a.b.x", 6);
  const auto of = [&](const std::string& uri, const std::string& match) {
    return values(subscribe(realm.join(), uri, R"({"get_retained":true,"match":")" + match + "\"}"));
  };
  REQUIRE(of("a", "prefix") == std::vector<int>{2, 3, 4, 6});
  REQUIRE(of("a.", "prefix") == std::vector<int>{2, 3, 6});
  REQUIRE(of("", "prefix") == std::vector<int>{2, 3, 4, 5, 6});
  REQUIRE(of("a..x", "wildcard") == std::vector<int>{2, 6});
  REQUIRE(of("..x", "wildcard") == std::vector<int>{2, 5, 6});
  REQUIRE(of(".b.", "wildcard") == std::vector<int>{3, 5, 6});
  REQUIRE(of("a.b.", "wildcard") == std::vector<int>{3, 6});
  REQUIRE(of("a.b.x", "wildcard") == std::vector<int>{6});
  const auto events = subscribe(realm.join(), "a.c", R"({"get_retained":true,"match":"prefix"})");
  REQUIRE(events[0][3] == json{{"retained", true}, {"topic", "a.c.x"}});
}

TEST_CASE("a retained event reaches only those who might have received it when it was published") {
  TestRealm realm;
  auto& publisher = realm.join();
  publish(publisher, "com.topic", 1);
  publish(publisher, "com.topic", 2, R"(,"eligible_authid":["ann"])");
  publish(publisher, "com.topic", 3, R"(,"exclude_authid":["bob","ann"])");
  REQUIRE(values(subscribe(realm.join(0, "ann"), "com.topic")) == std::vector<int>{2});
  REQUIRE(values(subscribe(realm.join(0, "bob"), "com.topic")) == std::vector<int>{1});
  REQUIRE(values(subscribe(realm.join(0, "cid"), "com.topic")) == std::vector<int>{3});
  publish(publisher, "com.topic", 4);  // replaces all of them
  REQUIRE(values(subscribe(realm.join(0, "ann"), "com.topic")) == std::vector<int>{4});
  publish(publisher, "com.only", 5, R"(,"eligible":[)" + std::to_string(publisher.id()) + "]");
  REQUIRE(subscribe(realm.join(0, "ann"), "com.only").empty());
  REQUIRE(values(subscribe(publisher, "com.only")) == std::vector<int>{5});
}

TEST_CASE("an event is retained only if it may be published") {
  TestRealm realm;
  realm.realm().add_role("reader", rules({"subscribe com.topic"}));
  auto& reader = realm.join(0, "ann", "reader");
  publish(reader, "com.topic", 1);
  REQUIRE(realm.denials == std::vector<std::string>{"publish com.topic wamp.error.not_authorized"});
  auto& user = realm.join();
  user.send(R"([16,1,{"retain":true},"wamp.topic",[1]])");
  user.send(R"([16,1,{"retain":true},"com..topic",[1]])");
  REQUIRE(subscribe(reader, "com.topic").empty());
  REQUIRE(subscribe(user, "", R"({"get_retained":true,"match":"prefix"})").empty());
}

TEST_CASE("every shard has a copy of what is retained, and a subscription gets each event once") {
  TestRealm realm(3);
  auto& publisher = realm.join(0);
  publish(publisher, "com.topic", 1);
  auto& early = realm.join(1);
  REQUIRE(subscribe(early, "com.topic").empty());  // it is still on its way there
  realm.settle();
  const json live = early.take();
  REQUIRE(live[3] == json::object());
  REQUIRE(live[4] == json::array({1}));
  REQUIRE(early.waiting() == 0);
  REQUIRE(values(subscribe(realm.join(1), "com.topic")) == std::vector<int>{1});
  REQUIRE(values(subscribe(realm.join(2), "com.topic")) == std::vector<int>{1});
  REQUIRE(early.waiting() == 0);
}

TEST_CASE("all shards agree on the newest of retained events that cross on their way") {
  TestRealm realm(3);
  auto& one = realm.join(0);
  auto& other = realm.join(1);
  publish(one, "com.topic", 1);
  publish(other, "com.topic", 2);
  REQUIRE(realm.carry(1, 2));
  REQUIRE(realm.carry(0, 2));  // the older one comes last
  realm.settle();
  for (unsigned shard = 0; shard < 3; ++shard) {
    REQUIRE(values(subscribe(realm.join(shard), "com.topic")) == std::vector<int>{2});
  }
}

TEST_CASE("retained events are limited in number and bytes: the oldest go first") {
  auto options = quiet();
  options.retained.events = 3;
  options.retained.bytes = 10000;
  TestRealm realm(1, options);
  auto& publisher = realm.join();
  const auto all = [&] { return values(subscribe(realm.join(), "", R"({"get_retained":true,"match":"prefix"})")); };
  for (int i = 1; i <= 4; ++i) publish(publisher, "t" + std::to_string(i), i);
  REQUIRE(all() == std::vector<int>{2, 3, 4});
  publish(publisher, "t2", 5);
  publish(publisher, "t6", 6);
  REQUIRE(all() == std::vector<int>{4, 5, 6});
  const auto publish_long = [&](const std::string& topic, int value, std::size_t length) {
    publisher.send(R"([16,1,{"retain":true},")" + topic + "\",[" + std::to_string(value) + ",\"" +
                   std::string(length, 'x') + "\"]]");
  };
  publish_long("t7", 7, 9300);  // leaves room for one of the small ones
  REQUIRE(all() == std::vector<int>{6, 7});
  publish_long("t6", 8, 20000);  // never fits; what it replaces is out of date
  REQUIRE(all() == std::vector<int>{7});
}

TEST_CASE("of one topic sixteen retained events at most are kept, the one for everybody among them") {
  TestRealm realm;
  auto& publisher = realm.join();
  publish(publisher, "com.topic", 1);
  for (int i = 2; i <= 40; ++i) {
    publish(publisher, "com.topic", i, R"(,"eligible_authid":["id)" + std::to_string(i) + "\"]");
  }
  REQUIRE(values(subscribe(realm.join(0, "id25"), "com.topic")) == std::vector<int>{1});
  REQUIRE(values(subscribe(realm.join(0, "id26"), "com.topic")) == std::vector<int>{26});
  REQUIRE(values(subscribe(realm.join(0, "id40"), "com.topic")) == std::vector<int>{40});
}

TEST_CASE("a realm may be told to retain nothing") {
  auto options = quiet();
  options.retained.events = 0;
  TestRealm realm(1, options);
  publish(realm.join(), "com.topic", 1);
  REQUIRE(subscribe(realm.join(), "com.topic").empty());
}
