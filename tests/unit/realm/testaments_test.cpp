#include <catch2/catch.hpp>

#include "support/test_realm.hpp"

using crosspoint::realm::RealmOptions;
using crosspoint::test::rules;
using crosspoint::test::TestClient;
using crosspoint::test::TestRealm;
using nlohmann::json;

namespace {

/// Calls a procedure with arguments and returns the answer.
json call(TestClient& client, const std::string& procedure, const json& arguments,
          const json& keywords = json::object()) {
  client.send(json{48, 1, json::object(), procedure, arguments, keywords}.dump());
  return client.last();
}
json add(TestClient& client, const json& arguments, const json& keywords = json::object()) {
  return call(client, "wamp.session.add_testament", arguments, keywords);
}

void subscribe(TestClient& client, const std::string& uri, const std::string& options = "{}") {
  client.send("[32,1," + options + ",\"" + uri + "\"]");
  REQUIRE(client.take()[0] == 33);
}

json refusal(const std::string& error) { return {8, 48, 1, json::object(), error}; }
json without_text(json message) {
  if (message[0] == 8 && message.size() > 5) message.erase(5);
  return message;
}

}  // namespace

TEST_CASE("testaments are published when the session ends: detached, destroyed, then on_leave (Session Testament)") {
  TestRealm realm(1, RealmOptions());
  auto& watcher = realm.join();
  auto& client = realm.join(0, "ann");
  subscribe(watcher, "", R"({"match":"prefix"})");
  subscribe(client, "com.own");
  while (watcher.waiting() > 0) watcher.take();
  const json first = add(client, {"com.will", {1}, {{"k", "v"}}});
  REQUIRE(first[0] == 50);
  REQUIRE(first[3][0].get<std::uint64_t>() >= 1);
  REQUIRE(add(client, {"com.will", {2}, json::object()}, {{"scope", "destroyed"}})[0] == 50);
  REQUIRE(add(client, {"com.early", {3}, json::object()}, {{"scope", "detached"}})[0] == 50);
  REQUIRE(add(client, {"com.own", json::array(), nullptr})[0] == 50);  // never to itself
  REQUIRE(watcher.waiting() == 0);
  client.leave();
  std::vector<std::string> topics;
  std::vector<json> events;
  while (watcher.waiting() > 0) {
    events.push_back(watcher.take());
    topics.push_back(events.back()[3]["topic"]);
  }
  REQUIRE(topics == std::vector<std::string>{"com.early", "com.will", "com.will", "com.own",
                                             "wamp.subscription.on_unsubscribe", "wamp.subscription.on_delete",
                                             "wamp.session.on_leave"});
  REQUIRE(events[0][4] == json::array({3}));
  REQUIRE(events[1][4] == json::array({1}));
  REQUIRE(events[1][5] == json{{"k", "v"}});
  REQUIRE(events[1][2] == first[3][0]);  // the call told the publication's id
  REQUIRE(events[2][4] == json::array({2}));
}

TEST_CASE("testaments are flushed by scope, and the number of them is told") {
  TestRealm realm(1, RealmOptions());
  auto& watcher = realm.join();
  auto& client = realm.join();
  subscribe(watcher, "com.will");
  for (int i = 0; i < 2; ++i) add(client, {"com.will", {"destroyed"}, json::object()});
  add(client, {"com.will", {"detached"}, json::object()}, {{"scope", "detached"}});
  REQUIRE(call(client, "wamp.session.flush_testaments", json::array())[3] == json::array({2}));
  REQUIRE(call(client, "wamp.session.flush_testaments", {"destroyed"})[3] == json::array({0}));
  client.leave();
  REQUIRE(watcher.take()[4] == json::array({"detached"}));
  REQUIRE(watcher.waiting() == 0);
  auto& other = realm.join();
  add(other, {"com.will", {1}, json::object()}, {{"scope", "detached"}});
  REQUIRE(call(other, "wamp.session.flush_testaments", json::array(), {{"scope", "detached"}})[3] == json::array({1}));
  other.leave();
  REQUIRE(watcher.waiting() == 0);
}

TEST_CASE("a testament's publish_options count: retain, receivers; it reaches other shards") {
  TestRealm realm(2, RealmOptions());
  auto& bob = realm.join(1, "bob");
  auto& cid = realm.join(1, "cid");
  auto& client = realm.join(0, "ann");
  subscribe(bob, "com.will");
  subscribe(cid, "com.will");
  realm.settle();
  const json options = {{"exclude_authid", {"bob"}}, {"acknowledge", true}, {"exclude_me", false}};
  REQUIRE(add(client, {"com.will", {1}, json::object()}, {{"publish_options", options}})[0] == 50);
  REQUIRE(add(client, {"com.last", {2}, json::object(), {{"retain", true}}, "detached"})[0] == 50);
  client.leave();
  realm.settle();
  REQUIRE(bob.waiting() == 0);
  REQUIRE(cid.take()[4] == json::array({1}));
  bob.send(R"([32,1,{"get_retained":true},"com.last"])");
  bob.take();
  REQUIRE(bob.take()[4] == json::array({2}));
}

TEST_CASE("a testament is refused when it is added: bad arguments, bad topics, no permission") {
  TestRealm realm(1, RealmOptions());
  realm.realm().add_role("known", rules({"call wamp.session.add_testament", "publish com.will disclose"}));
  auto& client = realm.join(0, "ann", "known");
  const auto refused = [&](const json& arguments, const json& keywords = json::object()) {
    return without_text(add(client, arguments, keywords));
  };
  REQUIRE(refused(json::array()) == refusal("wamp.error.invalid_argument"));
  REQUIRE(refused({5, json::array(), json::object()}) == refusal("wamp.error.invalid_argument"));
  REQUIRE(refused({"com.will", 5, json::object()}) == refusal("wamp.error.invalid_argument"));
  REQUIRE(refused({"com.will", json::array(), 5}) == refusal("wamp.error.invalid_argument"));
  REQUIRE(refused({"com.will", json::array(), json::object(), 5}) == refusal("wamp.error.invalid_argument"));
  REQUIRE(refused({"com.will", json::array(), json::object(), {{"retain", 5}}}) ==
          refusal("wamp.error.invalid_argument"));
  REQUIRE(add(client, {"com.will", json::array(), json::object()}, {{"scope", "later"}}) ==
          json{8, 48, 1, json::object(), "wamp.error.testament_error", {"scope must be destroyed or detached"}});
  REQUIRE(refused({"com..will", json::array(), json::object()}) == refusal("wamp.error.invalid_uri"));
  REQUIRE(refused({"wamp.will", json::array(), json::object()}) == refusal("wamp.error.invalid_uri"));
  REQUIRE(refused({"com.other", json::array(), json::object()}) == refusal("wamp.error.not_authorized"));
  auto& watcher = realm.join();
  subscribe(watcher, "com", R"({"match":"prefix"})");
  add(client, {"com.will", {1}, nullptr});
  const auto id = client.id();
  client.leave();
  const json event = watcher.take();
  REQUIRE(event[3] ==
          json{{"publisher", id}, {"publisher_authid", "ann"}, {"publisher_authrole", "known"}, {"topic", "com.will"}});
  REQUIRE(watcher.waiting() == 0);
}

TEST_CASE("a session's testaments are limited in number and bytes") {
  RealmOptions options;
  options.testaments = {3, 1000};
  TestRealm realm(1, options);
  auto& client = realm.join();
  REQUIRE(without_text(add(client, {"com.will", {std::string(2000, 'x')}, nullptr})) ==
          refusal("wamp.error.testament_error"));
  for (int i = 0; i < 3; ++i) {
    REQUIRE(add(client, {"com.will", {i}, nullptr}, {{"scope", i == 0 ? "detached" : "destroyed"}})[0] == 50);
  }
  REQUIRE(without_text(add(client, {"com.will", {3}, nullptr})) == refusal("wamp.error.testament_error"));
  call(client, "wamp.session.flush_testaments", json::array());
  REQUIRE(add(client, {"com.will", {4}, nullptr})[0] == 50);
}

TEST_CASE("a dynamic authorizer is asked about a testament's publication when it is added") {
  TestRealm realm(1, RealmOptions());
  realm.realm().add_dynamic_role("asked", "com.authorize");
  auto& watcher = realm.join();
  auto& client = realm.join(0, "ann", "asked");
  subscribe(watcher, "com.will");
  const auto ask = [&] {
    client.send(R"([48,7,{},"wamp.session.add_testament",["com.will",[1],{},{"retain":true}]])");
    REQUIRE(client.question() == "call wamp.session.add_testament {}");
    client.answer(true);
  };
  ask();
  REQUIRE(client.question().starts_with("publish com.will "));
  client.answer(false);
  REQUIRE(client.question().empty());
  REQUIRE(without_text(client.last()) == json{8, 48, 7, json::object(), "wamp.error.not_authorized"});
  ask();
  client.answer({{"allow", true}, {"disclose", true}});
  REQUIRE(client.last()[0] == 50);
  const auto id = client.id();
  client.leave();
  REQUIRE(watcher.take()[3]["publisher"] == id);
  REQUIRE(watcher.waiting() == 0);
}
