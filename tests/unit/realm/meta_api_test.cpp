#include <catch2/catch.hpp>

#include "support/test_realm.hpp"

using crosspoint::test::TestClient;
using crosspoint::test::TestRealm;
using nlohmann::json;

namespace {

crosspoint::realm::RealmOptions with_meta_api() {
  crosspoint::realm::RealmOptions options;
  options.timestamp = [] { return std::string("2026-01-02T03:04:05.678Z"); };
  return options;
}

std::uint64_t subscribe(TestClient& client, const std::string& topic, const std::string& options = "{}") {
  client.send("[32,1," + options + ",\"" + topic + "\"]");
  json reply = client.take();
  REQUIRE(reply[0] == 33);
  return reply[2];
}

/// The result of a call, or the ERROR.
json call(TestRealm& realm, TestClient& client, const std::string& procedure, const json& arguments = json::array(),
          const std::string& prefix = "wamp.subscription.") {
  client.send("[48,7,{},\"" + prefix + procedure + "\"," + arguments.dump() + "]");
  realm.settle();
  const json reply = client.take();
  if (reply[0] == 50) return reply[3][0];
  REQUIRE(reply[0] == 8);
  return reply;
}

/// What a listener has received: [topic's last part, arguments] each.
json events(TestClient& listener, const std::map<std::uint64_t, std::string>& names) {
  json all = json::array();
  while (listener.waiting() > 0) {
    const json event = listener.take();
    REQUIRE(event[0] == 36);
    all.push_back({names.at(event[1]), event[4]});
  }
  return all;
}

std::map<std::uint64_t, std::string> listen(TestClient& listener) {
  std::map<std::uint64_t, std::string> names;
  for (const std::string name : {"on_create", "on_subscribe", "on_unsubscribe", "on_delete"}) {
    names[subscribe(listener, "wamp.subscription." + name)] = name;
  }
  return names;
}

}  // namespace

TEST_CASE("what happens to a subscription is published (Subscription Meta Events)") {
  TestRealm realm(1, with_meta_api());
  auto& listener = realm.join();
  const auto names = listen(listener);
  REQUIRE(listener.waiting() == 0);  // subscriptions to meta topics are not reported
  auto& one = realm.join();
  auto& two = realm.join();
  const auto id = subscribe(one, "com.a", R"({"match":"prefix"})");
  const json details{{"id", id}, {"created", "2026-01-02T03:04:05.678Z"}, {"uri", "com.a"}, {"match", "prefix"}};
  REQUIRE(events(listener, names) == json::array({json::array({"on_create", {one.id(), details}}),
                                                  json::array({"on_subscribe", {one.id(), id}})}));
  subscribe(two, "com.a", R"({"match":"prefix"})");
  REQUIRE(events(listener, names) == json::array({json{"on_subscribe", {two.id(), id}}}));
  subscribe(two, "com.a", R"({"match":"prefix"})");  // again: nothing has happened
  REQUIRE(listener.waiting() == 0);
  one.send("[34,2," + std::to_string(id) + "]");
  REQUIRE(events(listener, names) == json::array({json{"on_unsubscribe", {one.id(), id}}}));
  const auto gone = two.id();
  two.leave();
  REQUIRE(events(listener, names) ==
          json::array({json::array({"on_unsubscribe", {gone, id}}), json::array({"on_delete", {gone, id}})}));
  auto options = with_meta_api();
  options.meta_api = false;
  TestRealm silent(1, options);
  auto& deaf = silent.join();
  listen(deaf);
  subscribe(silent.join(), "com.a");
  REQUIRE(deaf.waiting() == 0);
  deaf.send(R"([48,1,{},"wamp.subscription.list"])");
  REQUIRE(deaf.take()[4] == "wamp.error.no_such_procedure");
}

TEST_CASE("a session that leaves hears nothing of it") {
  TestRealm realm(1, with_meta_api());
  auto& client = realm.join();
  subscribe(client, "com.a");
  listen(client);
  client.leave();  // TestClient::leave() checks that nothing is sent
  REQUIRE(realm.realm().directory().subscriptions.list().empty());
}

TEST_CASE("on several shards the events on a subscription come in the order in which things happened") {
  // Whatever the order in which messages between shards are carried.
  for (int order = 0; order < 6; ++order) {
    TestRealm realm(3, with_meta_api());
    auto& listener = realm.join(2);
    const auto names = listen(listener);
    auto& one = realm.join(0);
    auto& two = realm.join(1);
    const auto id = subscribe(one, "com.a");
    subscribe(two, "com.a");
    one.send("[34,2," + std::to_string(id) + "]");
    two.send("[34,2," + std::to_string(id) + "]");
    const std::vector<std::pair<unsigned, unsigned>> ways{{0, 2}, {1, 0}, {1, 2}};
    for (int i = 0; i < 12; ++i) {
      const auto& [from, to] = ways[static_cast<std::size_t>((order + i * (order % 2 == 0 ? 1 : 2)) % 3)];
      realm.carry(from, to);
    }
    realm.settle();
    const json seen = events(listener, names);
    REQUIRE(seen.size() == 6);
    REQUIRE(seen[0][0] == "on_create");
    REQUIRE(seen[1] == json{"on_subscribe", {one.id(), id}});
    REQUIRE(seen[5][0] == "on_delete");
    const auto place = [&](const json& event) { return std::find(seen.begin(), seen.end(), event) - seen.begin(); };
    REQUIRE(place({"on_subscribe", {two.id(), id}}) < place({"on_unsubscribe", {two.id(), id}}));
    REQUIRE(place({"on_subscribe", {two.id(), id}}) < 5);
  }
}

TEST_CASE("subscriptions are found (Subscription Meta Procedures)") {
  TestRealm realm(2, with_meta_api());
  auto& one = realm.join(0);
  auto& two = realm.join(1);
  auto& asking = realm.join(0);
  const auto exact = subscribe(one, "com.a");
  const auto prefix = subscribe(one, "com", R"({"match":"prefix"})");
  const auto wildcard = subscribe(two, "com.", R"({"match":"wildcard"})");
  subscribe(two, "com.a");
  subscribe(one, "wamp.subscription.on_create");  // is nobody's business
  REQUIRE(call(realm, asking, "list") == json{{"exact", {exact}}, {"prefix", {prefix}}, {"wildcard", {wildcard}}});
  REQUIRE(call(realm, asking, "lookup", {"com.a"}) == exact);
  REQUIRE(call(realm, asking, "lookup", {"com", {{"match", "prefix"}}}) == prefix);
  REQUIRE(call(realm, asking, "lookup", {"com"}) == nullptr);
  REQUIRE(call(realm, asking, "lookup", {"wamp.subscription.on_create"}) == nullptr);
  REQUIRE(call(realm, asking, "match", {"com.a"}) == json{exact, prefix, wildcard});
  REQUIRE(call(realm, asking, "match", {"org"}) == nullptr);
  REQUIRE(call(realm, asking, "get", {prefix}) ==
          json{{"id", prefix}, {"created", "2026-01-02T03:04:05.678Z"}, {"uri", "com"}, {"match", "prefix"}});
  REQUIRE(call(realm, asking, "list_subscribers", {exact}) == json{one.id(), two.id()});
  REQUIRE(call(realm, asking, "count_subscribers", {exact}) == 2);
  REQUIRE(call(realm, asking, "list_subscribers", {wildcard}) == json::array({two.id()}));
  two.leave();
  REQUIRE(call(realm, asking, "list_subscribers", {exact}) == json::array({one.id()}));
}

TEST_CASE("a caller that leaves while others are asked is no trouble") {
  TestRealm realm(2, with_meta_api());
  auto& asking = realm.join(0);
  const auto id = subscribe(realm.join(1), "com.a");
  asking.send("[48,1,{},\"wamp.subscription.list_subscribers\",[" + std::to_string(id) + "]]");
  asking.leave();
  realm.settle();
  REQUIRE(realm.under_way(1, 0) == 0);
}

TEST_CASE("meta procedures with wrong arguments, and those that are not allowed") {
  TestRealm realm(1, with_meta_api());
  auto& client = realm.join();
  for (const std::string name : {"get", "list_subscribers", "count_subscribers"}) {
    const json missing = call(realm, client, name, {4711});
    REQUIRE(missing[4] == "wamp.error.no_such_subscription");
    REQUIRE(missing[5][0] == "no subscription with ID 4711 exists on this broker");
    REQUIRE(call(realm, client, name, {"x"})[4] == "wamp.error.invalid_argument");
    REQUIRE(call(realm, client, name, {-1})[4] == "wamp.error.no_such_subscription");
    REQUIRE(call(realm, client, name)[4] == "wamp.error.invalid_argument");
  }
  REQUIRE(call(realm, client, "lookup")[4] == "wamp.error.invalid_argument");
  REQUIRE(call(realm, client, "lookup", {"com.a", 1})[4] == "wamp.error.invalid_argument");
  REQUIRE(call(realm, client, "lookup", {"com.a", {{"match", "loosely"}}})[4] == "wamp.error.invalid_argument");
  REQUIRE(call(realm, client, "match", {1})[4] == "wamp.error.invalid_argument");
  realm.realm().add_role("guest", crosspoint::test::rules({"call com.a"}));
  auto& guest = realm.join(0, "guest", "guest");
  REQUIRE(call(realm, guest, "list")[4] == "wamp.error.not_authorized");
}

namespace {

json ask(TestRealm& realm, TestClient& client, const std::string& procedure, const json& arguments = json::array()) {
  return call(realm, client, procedure, arguments, "wamp.");
}

std::uint64_t register_(TestClient& client, const std::string& procedure, const std::string& options = "{}") {
  client.send("[64,1," + options + ",\"" + procedure + "\"]");
  const json reply = client.take();
  REQUIRE(reply[0] == 65);
  return reply[2];
}

}  // namespace

TEST_CASE("sessions that join and leave are announced (Session Meta Events)") {
  TestRealm realm(2, with_meta_api());
  auto& listener = realm.join(0);
  const std::map<std::uint64_t, std::string> names{{subscribe(listener, "wamp.session.on_join"), "on_join"},
                                                   {subscribe(listener, "wamp.session.on_leave"), "on_leave"}};
  auto& joe = realm.join(1, "joe");
  realm.settle();
  const auto id = joe.id();
  REQUIRE(events(listener, names) == json::array({json::array({"on_join", {{{"session", id}, {"authid", "joe"}}}})}));
  joe.leave();
  realm.settle();
  REQUIRE(events(listener, names) == json::array({json::array({"on_leave", {id, "joe", "user"}})}));
}

TEST_CASE("sessions are counted, listed and described (Session Meta Procedures)") {
  TestRealm realm(2, with_meta_api());
  realm.realm().add_role("guest", crosspoint::test::rules({}));
  auto& one = realm.join(0, "one");
  auto& two = realm.join(1, "two", "guest");
  REQUIRE(ask(realm, one, "session.count") == 2);
  REQUIRE(ask(realm, one, "session.count", json::array({json::array({"guest"})})) == 1);
  REQUIRE(ask(realm, one, "session.list") == json{one.id(), two.id()});
  REQUIRE(ask(realm, one, "session.list", json::array({json::array({"guest", "nobody"})})) == json::array({two.id()}));
  for (const auto* client : {&one, &two})
    REQUIRE(ask(realm, one, "session.get", {client->id()})["session"] == client->id());
  const json missing = ask(realm, one, "session.get", {4711});
  REQUIRE(missing[4] == "wamp.error.no_such_session");
  REQUIRE(missing[5][0] == "no session with ID 4711 exists on this router");
  REQUIRE(ask(realm, one, "session.list", {1})[4] == "wamp.error.invalid_argument");
}

TEST_CASE("sessions are killed, by id, authid, authrole, and all of them") {
  for (const unsigned shard : {0U, 1U}) {
    TestRealm realm(2, with_meta_api());
    auto& killer = realm.join(0, "killer");
    auto& joe = realm.join(shard, "joe");
    auto& ann = realm.join(shard, "ann");
    REQUIRE(ask(realm, killer, "session.kill", {joe.id(), "com.reason", "go away"}) == nullptr);
    REQUIRE(joe.farewells == std::vector<std::string>{"com.reason go away"});
    REQUIRE(ask(realm, killer, "session.kill", {ann.id()}) == nullptr);
    REQUIRE(ann.farewells == std::vector<std::string>{"wamp.close.killed "});
    REQUIRE(ask(realm, killer, "session.kill", {4711})[4] == "wamp.error.no_such_session");
    REQUIRE(ask(realm, killer, "session.kill", {joe.id(), 1})[4] == "wamp.error.invalid_argument");
    REQUIRE(ask(realm, killer, "session.kill", {joe.id(), "no uri"})[4] == "wamp.error.invalid_uri");
    REQUIRE(ask(realm, killer, "session.kill_by_authid", {"joe"}) == json::array({joe.id()}));
    REQUIRE(ask(realm, killer, "session.kill_by_authrole", {"user"}) == json{joe.id(), ann.id()});
    REQUIRE(ask(realm, killer, "session.kill_all") == 2);
    REQUIRE(killer.farewells.empty());
    REQUIRE(joe.farewells.size() == 4);
  }
}

TEST_CASE("registrations are reported and found (Registration Meta Events and Procedures)") {
  TestRealm realm(2, with_meta_api());
  auto& listener = realm.join(0);
  std::map<std::uint64_t, std::string> names;
  for (const std::string name : {"on_create", "on_register", "on_unregister", "on_delete"}) {
    names[subscribe(listener, "wamp.registration." + name)] = name;
  }
  auto& one = realm.join(0);
  auto& two = realm.join(1);
  const auto id = register_(one, "com.p", R"({"invoke":"roundrobin"})");
  const json details{{"id", id},
                     {"created", "2026-01-02T03:04:05.678Z"},
                     {"uri", "com.p"},
                     {"match", "exact"},
                     {"invoke", "roundrobin"}};
  REQUIRE(events(listener, names) ==
          json::array({json::array({"on_create", {one.id(), details}}), json::array({"on_register", {one.id(), id}})}));
  register_(two, "com.p", R"({"invoke":"roundrobin"})");
  realm.settle();
  REQUIRE(events(listener, names) == json::array({json::array({"on_register", {two.id(), id}})}));
  REQUIRE(ask(realm, two, "registration.list") ==
          json{{"exact", {id}}, {"prefix", json::array()}, {"wildcard", json::array()}});
  REQUIRE(ask(realm, two, "registration.lookup", {"com.p"}) == id);
  REQUIRE(ask(realm, two, "registration.lookup", {"com.p", {{"match", "prefix"}}}) == nullptr);
  REQUIRE(ask(realm, two, "registration.match", {"com.p"}) == id);
  REQUIRE(ask(realm, two, "registration.match", {"com.q"}) == nullptr);
  REQUIRE(ask(realm, two, "registration.get", {id}) == details);
  REQUIRE(ask(realm, two, "registration.list_callees", {id}) == json{one.id(), two.id()});
  REQUIRE(ask(realm, two, "registration.count_callees", {id}) == 2);
  REQUIRE(ask(realm, two, "registration.get", {4711})[4] == "wamp.error.no_such_registration");
  one.send("[66,2," + std::to_string(id) + "]");
  const auto gone = two.id();
  two.leave();
  realm.settle();
  REQUIRE(events(listener, names) ==
          json::array({json::array({"on_unregister", {one.id(), id}}), json::array({"on_unregister", {gone, id}}),
                       json::array({"on_delete", {gone, id}})}));
}

TEST_CASE("a callee can be taken its registration (wamp.registration.remove_callee)") {
  for (const unsigned shard : {0U, 1U}) {
    TestRealm realm(2, with_meta_api());
    auto& asking = realm.join(0);
    std::map<std::uint64_t, std::string> names;
    for (const std::string name : {"on_register", "on_unregister", "on_delete"}) {
      names[subscribe(asking, "wamp.registration." + name)] = name;
    }
    auto& modern = realm.join(shard, "modern", "user", {true, true, true, true});
    auto& plain = realm.join(shard, "plain");
    const auto id = register_(modern, "com.p", R"({"invoke":"roundrobin"})");
    register_(plain, "com.p", R"({"invoke":"roundrobin"})");
    realm.settle();
    events(asking, names);
    const auto remove = [&](const json& arguments) {
      asking.send("[48,7,{},\"wamp.registration.remove_callee\"," + arguments.dump() + "]");
      realm.settle();
      json reply;
      json told = json::array();
      while (asking.waiting() > 0) {
        json message = asking.take();
        if (message[0] == 36) {
          told.push_back({names.at(message[1]), message[4]});
        } else {
          reply = message;
        }
      }
      return std::pair(reply, told);
    };
    auto [reply, told] = remove({id, modern.id(), "com.reason"});
    REQUIRE(reply == json{50, 7, json::object(), json::array({nullptr})});
    REQUIRE(told == json::array({json::array({"on_unregister", {modern.id(), id}})}));
    REQUIRE(modern.take() == json{67, 0, {{"registration", id}, {"reason", "com.reason"}}});
    REQUIRE(remove({id, modern.id()}).first[4] == "wamp.error.no_such_registration");
    REQUIRE(remove({4711, plain.id()}).first[4] == "wamp.error.no_such_registration");
    REQUIRE(remove({id, 4711}).first[4] == "wamp.error.no_such_session");
    REQUIRE(remove({id}).first[4] == "wamp.error.invalid_argument");
    REQUIRE(remove({id, plain.id(), 1}).first[4] == "wamp.error.invalid_argument");
    std::tie(reply, told) = remove({id, plain.id()});
    REQUIRE(reply[0] == 50);
    REQUIRE(told == json::array({json::array({"on_unregister", {plain.id(), id}}),
                                 json::array({"on_delete", {plain.id(), id}})}));
    REQUIRE(plain.waiting() == 0);  // it did not say that it understands such a message
    REQUIRE(ask(realm, asking, "registration.lookup", {"com.p"}) == nullptr);
    modern.send("[66,9," + std::to_string(id) + "]");
    REQUIRE(modern.take()[4] == "wamp.error.no_such_registration");
    const auto again = register_(modern, "com.p");
    realm.settle();
    events(asking, names);
    remove({again, modern.id()});
    REQUIRE(modern.take() == json{67, 0, {{"registration", again}}});
  }
}

TEST_CASE("a callee that leaves while it loses its registration is reported once") {
  TestRealm realm(2, with_meta_api());
  auto& asking = realm.join(0);
  const std::map<std::uint64_t, std::string> names{
      {subscribe(asking, "wamp.registration.on_unregister"), "on_unregister"},
      {subscribe(asking, "wamp.registration.on_delete"), "on_delete"}};
  auto& callee = realm.join(1);
  const auto gone = callee.id();
  const auto id = register_(callee, "com.p");
  realm.join(0).send(R"([64,1,{"force_reregister":true},"com.p"])");
  callee.leave();
  realm.settle();
  REQUIRE(events(asking, names) ==
          json::array({json::array({"on_unregister", {gone, id}}), json::array({"on_delete", {gone, id}})}));
}

TEST_CASE("the registrations of one session are listed") {
  TestRealm realm(1, with_meta_api());
  auto& one = realm.join();
  auto& two = realm.join();
  const auto id = register_(one, "com.p");
  register_(two, "com.q", R"({"match":"prefix"})");
  REQUIRE(ask(realm, two, "registration.list", json::array({one.id()})) ==
          json{{"exact", {id}}, {"prefix", json::array()}, {"wildcard", json::array()}});
  REQUIRE(ask(realm, two, "registration.list", json::array({4711}))[4] == "wamp.error.no_such_session");
}
