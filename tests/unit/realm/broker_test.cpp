#include <catch2/catch.hpp>

#include <map>
#include <set>

#include "support/test_realm.hpp"

using crosspoint::test::rules;
using crosspoint::test::TestClient;
using crosspoint::test::TestRealm;
using nlohmann::json;

namespace {

/// Subscribes and returns the subscription's id.
std::uint64_t subscribe(TestClient& client, const std::string& uri, const std::string& options = "{}") {
  client.send("[32,1," + options + ",\"" + uri + "\"]");
  const json reply = client.last();
  REQUIRE(reply[0] == 33);
  return reply[2];
}

}  // namespace

TEST_CASE("a subscriber gets the events of a topic with their arguments (Publish and Subscribe)") {
  TestRealm realm;
  auto& subscriber = realm.join();
  auto& publisher = realm.join();
  const auto id = subscribe(subscriber, "com.topic");
  publisher.send(R"([16,7,{},"com.topic",[1,"two"],{"three":3}])");
  const json event = subscriber.take();
  REQUIRE(event[0] == 36);
  REQUIRE(event[1] == id);
  REQUIRE(event[2].get<std::uint64_t>() >= 1);
  REQUIRE(event[2].get<std::uint64_t>() <= 9007199254740992);
  REQUIRE(event[3] == json::object());
  REQUIRE(event[4] == json::array({1, "two"}));
  REQUIRE(event[5] == json{{"three", 3}});
  REQUIRE(subscriber.waiting() == 0);
  REQUIRE(publisher.waiting() == 0);
}

TEST_CASE("subscribing again gives the same subscription and no second event") {
  TestRealm realm;
  auto& subscriber = realm.join();
  auto& other = realm.join();
  const auto id = subscribe(subscriber, "com.topic");
  REQUIRE(subscribe(subscriber, "com.topic") == id);
  REQUIRE(subscribe(other, "com.topic") == id);
  REQUIRE(subscribe(other, "com.other") != id);
  other.send(R"([16,7,{},"com.topic"])");
  REQUIRE(subscriber.take()[1] == id);
  REQUIRE(subscriber.waiting() == 0);
}

TEST_CASE("after UNSUBSCRIBED there are no more events") {
  TestRealm realm;
  auto& subscriber = realm.join();
  auto& publisher = realm.join();
  const auto id = subscribe(subscriber, "com.topic");
  subscriber.send("[34,2," + std::to_string(id) + "]");
  REQUIRE(subscriber.take() == json::array({35, 2}));
  publisher.send(R"([16,7,{},"com.topic"])");
  REQUIRE(subscriber.waiting() == 0);
}

TEST_CASE("unsubscribing what one is not subscribed to is wamp.error.no_such_subscription") {
  TestRealm realm;
  auto& one = realm.join();
  auto& other = realm.join();
  const auto id = subscribe(one, "com.topic");
  other.send("[34,2," + std::to_string(id) + "]");
  REQUIRE(other.take() == json::array({8, 34, 2, json::object(), "wamp.error.no_such_subscription"}));
}

TEST_CASE("members keep their places when others leave") {
  TestRealm realm;
  auto& publisher = realm.join();
  std::vector<TestClient*> clients;
  std::uint64_t id = 0;
  for (int i = 0; i < 5; ++i) {
    clients.push_back(&realm.join());
    id = subscribe(*clients.back(), "com.topic");
  }
  clients[1]->leave();
  clients[0]->send("[34,9," + std::to_string(id) + "]");
  clients[4]->leave();
  clients[0]->last();
  publisher.send(R"([16,7,{},"com.topic"])");
  REQUIRE(clients[0]->waiting() == 0);
  REQUIRE(clients[2]->waiting() == 1);
  REQUIRE(clients[3]->waiting() == 1);
  clients[2]->leave();
  clients[3]->leave();
  REQUIRE(realm.realm().directory().sessions.size() == 1 + 1);
}

TEST_CASE("PUBLISHED comes if asked for, before the event to the publisher itself") {
  TestRealm realm;
  auto& client = realm.join();
  subscribe(client, "com.topic");
  client.send(R"([16,7,{"acknowledge":true,"exclude_me":false},"com.topic"])");
  const json published = client.take();
  const json event = client.take();
  REQUIRE(published[0] == 17);
  REQUIRE(published[1] == 7);
  REQUIRE(event[0] == 36);
  REQUIRE(event[2] == published[2]);
}

TEST_CASE("a publication without subscribers is acknowledged too") {
  TestRealm realm;
  auto& client = realm.join();
  client.send(R"([16,7,{"acknowledge":true},"com.nobody"])");
  REQUIRE(client.take()[0] == 17);
}

TEST_CASE("the publisher does not get its own event unless it says so (Publisher Exclusion)") {
  TestRealm realm;
  auto& client = realm.join();
  subscribe(client, "com.topic");
  client.send(R"([16,1,{},"com.topic"])");
  client.send(R"([16,2,{"exclude_me":true},"com.topic"])");
  REQUIRE(client.waiting() == 0);
  client.send(R"([16,3,{"exclude_me":false},"com.topic"])");
  REQUIRE(client.waiting() == 1);
}

TEST_CASE("receivers are black- and whitelisted by session, authid and authrole (Subscriber Black- and Whitelisting)") {
  TestRealm realm;
  realm.realm().add_role("staff", crosspoint::realm::make_fixed_authorizer({true, false}));
  auto& publisher = realm.join();
  auto& ann = realm.join(0, "ann", "user");
  auto& bob = realm.join(0, "bob", "staff");
  auto& cid = realm.join(0, "cid", "staff");
  const std::vector<TestClient*> all{&ann, &bob, &cid};
  for (auto* client : all) subscribe(*client, "com.topic");
  const auto receivers = [&](const std::string& options) {
    publisher.send("[16,1,{" + options + "},\"com.topic\"]");
    std::string names;
    for (auto* client : all) {
      if (client->waiting() > 0) names += client->session().identity->authid[0];
      client->last();
    }
    return names;
  };
  const std::string ann_id = std::to_string(ann.id());
  const std::string bob_id = std::to_string(bob.id());
  REQUIRE(receivers("") == "abc");
  REQUIRE(receivers("\"exclude\":[" + ann_id + "]") == "bc");
  REQUIRE(receivers("\"exclude\":[]") == "abc");
  REQUIRE(receivers("\"eligible\":[" + ann_id + "," + bob_id + "]") == "ab");
  REQUIRE(receivers("\"eligible\":[" + ann_id + "," + bob_id + "],\"exclude\":[" + bob_id + "]") == "a");
  REQUIRE(receivers("\"exclude_authid\":[\"bob\"]") == "ac");
  REQUIRE(receivers("\"exclude_authrole\":[\"staff\"]") == "a");
  REQUIRE(receivers("\"eligible_authid\":[\"bob\",\"nobody\"]") == "b");
  REQUIRE(receivers("\"eligible_authrole\":[\"staff\"]") == "bc");
  REQUIRE(receivers("\"eligible_authrole\":[\"staff\"],\"exclude_authid\":[\"cid\"]") == "b");
  REQUIRE(receivers("\"eligible\":[]") == "");
  REQUIRE(receivers("\"eligible_authid\":[]") == "");
  REQUIRE(receivers("\"eligible_authrole\":[]") == "");
}

TEST_CASE("patterns get the topic in the details, exact subscriptions do not (Pattern-based Subscriptions)") {
  TestRealm realm;
  auto& client = realm.join();
  auto& publisher = realm.join();
  const auto exact = subscribe(client, "com.a.b");
  const auto prefix = subscribe(client, "com.a", R"({"match":"prefix"})");
  const auto wildcard = subscribe(client, "com..b", R"({"match":"wildcard"})");
  publisher.send(R"([16,1,{},"com.a.b",[5]])");
  std::map<std::uint64_t, json> details;
  std::set<std::uint64_t> publications;
  while (client.waiting() > 0) {
    const json event = client.take();
    details[event[1]] = event[3];
    publications.insert(event[2].get<std::uint64_t>());
    REQUIRE(event[4] == json::array({5}));
  }
  REQUIRE(details.size() == 3);
  REQUIRE(publications.size() == 1);
  REQUIRE(details[exact] == json::object());
  REQUIRE(details[prefix] == json{{"topic", "com.a.b"}});
  REQUIRE(details[wildcard] == json{{"topic", "com.a.b"}});
}

TEST_CASE("a prefix is a prefix of the text, a wildcard stands for one component") {
  TestRealm realm;
  auto& client = realm.join();
  auto& publisher = realm.join();
  subscribe(client, "com.a", R"({"match":"prefix"})");
  subscribe(client, "x..z", R"({"match":"wildcard"})");
  const auto events = [&](const std::string& topic) {
    publisher.send("[16,1,{},\"" + topic + "\"]");
    const auto count = client.waiting();
    client.last();
    return count;
  };
  REQUIRE(events("com.a") == 1);
  REQUIRE(events("com.abc") == 1);
  REQUIRE(events("com.a.b.c") == 1);
  REQUIRE(events("com") == 0);
  REQUIRE(events("x.y.z") == 1);
  REQUIRE(events("x.y.y.z") == 0);
  REQUIRE(events("x.z") == 0);
  subscribe(client, "", R"({"match":"prefix"})");
  REQUIRE(events("anything") == 1);
}

TEST_CASE("a subscription made after a topic was published to is found (what is remembered of topics is not stale)") {
  TestRealm realm;
  auto& client = realm.join();
  auto& publisher = realm.join();
  for (const char* options : {"{}", R"({"match":"prefix"})", R"({"match":"wildcard"})"}) {
    publisher.send(R"([16,1,{},"com.topic"])");
    REQUIRE(client.waiting() == 0);
    const auto id = subscribe(client, "com.topic", options);
    publisher.send(R"([16,1,{},"com.topic"])");
    REQUIRE(client.waiting() == 1);
    client.send("[34,2," + std::to_string(id) + "]");
    client.last();
  }
}

TEST_CASE(
    "the publisher is disclosed if its role's rule says so, and always on router URIs (Publisher Identification)") {
  TestRealm realm;
  realm.realm().add_role("known", rules({"publish com.open disclose", "publish com.shut", "publish crossbar.x"}));
  auto& client = realm.join();
  auto& publisher = realm.join(0, "ann", "known");
  for (const char* topic : {"com.open", "com.shut", "crossbar.x"}) subscribe(client, topic);
  const json identity{{"publisher", publisher.id()}, {"publisher_authid", "ann"}, {"publisher_authrole", "known"}};
  publisher.send(R"([16,1,{},"com.open"])");
  REQUIRE(client.take()[3] == identity);
  publisher.send(R"([16,1,{"disclose_me":true},"com.shut"])");
  REQUIRE(client.take()[3] == json::object());
  publisher.send(R"([16,1,{},"crossbar.x"])");
  REQUIRE(client.take()[3] == identity);
  auto& trusted = realm.join(0, "router", "trusted");
  trusted.send(R"([16,1,{},"com.shut"])");
  REQUIRE(client.take()[3]["publisher_authrole"] == "trusted");
}

TEST_CASE("who may not publish is told only if it asked for an acknowledgement") {
  TestRealm realm;
  realm.realm().add_role("guest", rules({"subscribe com.topic"}));
  auto& client = realm.join();
  auto& guest = realm.join(0, "ann", "guest");
  subscribe(client, "com.topic");
  guest.send(R"([16,1,{},"com.topic"])");
  REQUIRE(guest.waiting() == 0);
  guest.send(R"([16,2,{"acknowledge":true},"com.topic"])");
  REQUIRE(guest.take() == json::array({8,
                                       16,
                                       2,
                                       json::object(),
                                       "wamp.error.not_authorized",
                                       {"session not authorized to publish to topic 'com.topic'"}}));
  REQUIRE(client.waiting() == 0);
  REQUIRE(realm.denials == std::vector<std::string>{"publish com.topic wamp.error.not_authorized",
                                                    "publish com.topic wamp.error.not_authorized"});
}

TEST_CASE("who may not subscribe gets wamp.error.not_authorized with who, what and where") {
  TestRealm realm;
  realm.realm().add_role("guest", rules({}));
  auto& guest = realm.join(0, "ann", "guest");
  guest.send(R"([32,1,{},"com.topic"])");
  const json error = guest.take();
  REQUIRE(error[4] == "wamp.error.not_authorized");
  REQUIRE(error[5][0] == "session (session_id=" + std::to_string(guest.id()) +
                             ", authid=\"ann\", authrole=\"guest\") is not authorized to subscribe to topic "
                             "\"com.topic\" on realm \"realm1\"");
  REQUIRE(realm.denials == std::vector<std::string>{"subscribe com.topic wamp.error.not_authorized"});
}

TEST_CASE("topics beginning with wamp. are for the router to publish to") {
  TestRealm realm;
  auto& client = realm.join();
  subscribe(client, "wamp.session.on_join");
  client.send(R"([16,1,{"exclude_me":false},"wamp.session.on_join"])");
  REQUIRE(client.waiting() == 0);
  client.send(R"([16,2,{"acknowledge":true},"wamp.session.on_join"])");
  REQUIRE(client.take() == json::array({8,
                                        16,
                                        2,
                                        json::object(),
                                        "wamp.error.invalid_uri",
                                        {"publish with restricted topic URI 'wamp.session.on_join'"}}));
  realm.join(0, "router", "trusted").send(R"([16,1,{},"wamp.session.on_join"])");
  REQUIRE(client.take()[0] == 36);
}

TEST_CASE("invalid URIs are refused; without acknowledgement a publication is dropped in silence") {
  TestRealm loose;
  auto& client = loose.join();
  client.send(R"([16,1,{},"com..x"])");
  REQUIRE(client.waiting() == 0);
  client.send(R"([16,2,{"acknowledge":true},"com..x"])");
  REQUIRE(client.take() == json::array({8,
                                        16,
                                        2,
                                        json::object(),
                                        "wamp.error.invalid_uri",
                                        {"publish with invalid topic URI 'com..x' (URI strict checking False)"}}));
  client.send(R"([32,3,{},"com.x#"])");
  REQUIRE(client.take()[4] == "wamp.error.invalid_uri");
  client.send(R"([32,4,{"match":"prefix"},"com."])");
  REQUIRE(client.take()[0] == 33);
  client.send(R"([32,5,{},"com.Über"])");
  REQUIRE(client.take()[0] == 33);
  crosspoint::realm::RealmOptions options;
  options.uri_check = crosspoint::wamp::UriCheck::strict;
  TestRealm strict(1, options);
  auto& other = strict.join();
  other.send(R"([32,1,{},"com.Upper"])");
  REQUIRE(other.take()[5] == json::array({"subscribe for invalid topic URI 'com.Upper' (URI strict checking True)"}));
  other.send(R"([32,1,{},"com.lower_1"])");
  REQUIRE(other.take()[0] == 33);
}

TEST_CASE("a URI may have 4096 bytes") {
  TestRealm realm;
  auto& client = realm.join();
  client.send("[32,1,{},\"" + std::string(4096, 'a') + "\"]");
  REQUIRE(client.take()[0] == 33);
  client.send("[16,1,{\"exclude_me\":false},\"" + std::string(4096, 'a') + "\"]");
  REQUIRE(client.take()[0] == 36);
  client.send("[32,1,{},\"" + std::string(4097, 'a') + "\"]");
  REQUIRE(client.take()[4] == "wamp.error.invalid_uri");
}
