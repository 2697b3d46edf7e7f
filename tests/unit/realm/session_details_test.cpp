#include <catch2/catch.hpp>

#include "support/test_realm.hpp"

using namespace crosspoint;
using nlohmann::json;
using test::TestClient;
using test::TestRealm;

namespace {

json ask(TestRealm& realm, TestClient& client, const std::string& procedure, const json& arguments) {
  client.send(json{48, 1, json::object(), procedure, arguments}.dump());
  realm.settle();
  return client.last();
}

json modify(TestRealm& realm, TestClient& client, wamp::SessionId id, const json& changes) {
  return ask(realm, client, "wamp.session.modify_details", {id, changes});
}

json details(TestRealm& realm, TestClient& client, wamp::SessionId id) {
  return ask(realm, client, "wamp.session.get", json::array({id}))[3][0];
}

}  // namespace

TEST_CASE("the details of a session can be added to, on any shard (wamp.session.modify_details)") {
  for (const unsigned shard : {0U, 1U}) {
    TestRealm realm(2, {});
    auto& client = realm.join(0);
    auto& other = realm.join(shard, "ann");
    const json bare{{"session", other.id()}, {"authid", "ann"}};
    REQUIRE(modify(realm, client, other.id(), {{"nick", "x"}, {"tags", {1, {{"deep", nullptr}}}}})[3] ==
            json::array({nullptr}));
    json told = bare;
    told.update({{"nick", "x"}, {"tags", {1, {{"deep", nullptr}}}}});
    REQUIRE(details(realm, client, other.id()) == told);
    REQUIRE(details(realm, other, other.id()) == told);
    modify(realm, other, other.id(), {{"nick", nullptr}, {"tags", "new"}, {"nothing", nullptr}});
    told.erase("nick");
    told["tags"] = "new";
    REQUIRE(details(realm, client, other.id()) == told);
    modify(realm, client, other.id(), {{"tags", nullptr}});
    REQUIRE(details(realm, client, other.id()) == bare);
    REQUIRE(details(realm, client, client.id())["authid"] == "joe");  // nobody else's have changed
  }
}

TEST_CASE("what the router knows of a session cannot be changed, and what is added is bounded") {
  for (const unsigned shard : {0U, 1U}) {
    realm::RealmOptions options;
    options.session_detail_bytes = 40;
    TestRealm realm(2, options);
    auto& client = realm.join(0);
    auto& other = realm.join(shard, "ann");
    const auto refused = [&](const json& id, const json& changes) {
      const json reply = ask(realm, client, "wamp.session.modify_details", {id, changes});
      REQUIRE(reply[0] == 8);
      return reply[4].get<std::string>() + ": " + reply[5][0].get<std::string>();
    };
    REQUIRE(refused(other.id(), {{"nick", "x"}, {"session", 1}}) ==
            "wamp.error.invalid_argument: \"session\" of a session cannot be changed");
    REQUIRE(refused(other.id(), {{"authid", nullptr}}) ==
            "wamp.error.invalid_argument: \"authid\" of a session cannot be changed");
    REQUIRE(refused(other.id(), {{"nick", std::string(100, 'x')}}) ==
            "wamp.error.invalid_argument: what is added to a session's details may take at most 40 bytes");
    REQUIRE(refused(other.id(), json::array({1})).starts_with("wamp.error.invalid_argument: the arguments are"));
    REQUIRE(refused(other.id(), nullptr).starts_with("wamp.error.invalid_argument: the arguments are"));
    REQUIRE(refused(4711, {{"nick", "x"}}).starts_with("wamp.error.no_such_session"));
    REQUIRE(refused("x", {{"nick", "x"}}).starts_with("wamp.error.no_such_session"));
    REQUIRE(details(realm, client, other.id()) == json{{"session", other.id()}, {"authid", "ann"}});
    REQUIRE(modify(realm, client, other.id(), {{"nick", std::string(20, 'x')}})[0] == 50);
  }
}

TEST_CASE("a session that leaves while its details are on their way to be changed is not there any more") {
  TestRealm realm(2, {});
  auto& client = realm.join(0);
  auto& other = realm.join(1);
  client.send(json{48, 1, json::object(), "wamp.session.modify_details", {other.id(), {{"nick", "x"}}}}.dump());
  other.leave();
  realm.settle();
  REQUIRE(client.last()[4] == "wamp.error.no_such_session");
}
