#include <catch2/catch.hpp>

#include "support/test_realm.hpp"

using crosspoint::test::quiet;
using crosspoint::test::TestClient;
using crosspoint::test::TestRealm;
using nlohmann::json;

namespace {

/// A realm whose role "app" is authorized by the procedure com.authorizer.
struct World {
  explicit World(crosspoint::realm::RealmOptions options = quiet(), unsigned shards = 1) : realm(shards, options) {
    realm.realm().add_dynamic_role("app", "com.authorizer");
  }
  TestRealm realm;
};

std::string text(const json& error) { return error[5][0]; }

}  // namespace

TEST_CASE("a dynamic authorizer is asked about each action, with the message's options") {
  World world;
  auto& client = world.realm.join(0, "joe", "app");
  client.send(R"([32,1,{"match":"prefix"},"com.a"])");
  REQUIRE(client.question() == R"(subscribe com.a {"match":"prefix"})");
  REQUIRE(client.waiting() == 0);
  client.answer(true);
  REQUIRE(client.take()[0] == 33);
  client.send(R"([64,2,{},"com.p"])");
  REQUIRE(client.question() == "register com.p {}");
  client.answer({{"allow", true}});
  REQUIRE(client.take()[0] == 65);
  client.send(R"([48,3,{},"com.p"])");
  REQUIRE(client.question() == "call com.p {}");
  client.answer({{"allow", true}, {"disclose", true}});
  REQUIRE(client.take()[3] == json{{"caller", client.id()}, {"caller_authid", "joe"}, {"caller_authrole", "app"}});
  client.send(R"([16,4,{"acknowledge":true},"com.x"])");
  REQUIRE(client.question() == R"(publish com.x {"acknowledge":true})");
  client.answer(true);
  REQUIRE(client.take()[0] == 17);
}

TEST_CASE("what the authorizer denies is refused with the texts of static rules") {
  World world;
  auto& client = world.realm.join(0, "joe", "app");
  client.send(R"([32,1,{},"com.a"])");
  client.answer(false);
  const json refused = client.take();
  REQUIRE(refused[4] == "wamp.error.not_authorized");
  REQUIRE(text(refused) == "session (session_id=" + std::to_string(client.id()) +
                               ", authid=\"joe\", authrole=\"app\") is not authorized to subscribe to topic "
                               "\"com.a\" on realm \"realm1\"");
  client.send(R"([16,2,{"acknowledge":true},"com.a"])");
  client.answer({{"allow", false}});
  REQUIRE(text(client.take()) == "session not authorized to publish to topic 'com.a'");
  REQUIRE(world.realm.denials == std::vector<std::string>{"subscribe com.a wamp.error.not_authorized",
                                                          "publish com.a wamp.error.not_authorized"});
}

TEST_CASE("an authorizer that fails, or whose answer makes no sense, is a failed authorization") {
  World world;
  auto& client = world.realm.join(0, "joe", "app");
  client.send(R"([48,1,{},"com.a"])");
  client.answer(nullptr, "wamp.error.no_such_procedure: no callee registered");
  json refused = client.take();
  REQUIRE(refused[4] == "wamp.error.authorization_failed");
  REQUIRE(
      text(refused) ==
      "failed to authorize session for calling procedure 'com.a': wamp.error.no_such_procedure: no callee registered");
  for (const json& answer : {json(), json(1), json("yes"), json::array({true}), json{{"disclose", true}},
                             json{{"allow", "yes"}}, json{{"allow", true}, {"extra", true}}}) {
    client.send(R"([64,2,{},"com.a"])");
    client.answer(answer);
    refused = client.take();
    REQUIRE(refused[4] == "wamp.error.authorization_failed");
    REQUIRE(text(refused).starts_with("failed to authorize session for registering procedure 'com.a': invalid return"));
  }
  client.send(R"([16,3,{},"com.a"])");  // nobody is subscribed: nobody is asked
  REQUIRE(client.question().empty());
  REQUIRE(world.realm.denials.size() == 8);
}

TEST_CASE("a publication is authorized only if something would come of it; URIs are checked before") {
  World world;
  auto& client = world.realm.join(0, "joe", "app");
  auto& listener = world.realm.join();
  client.send(R"([48,1,{},"com..a"])");
  REQUIRE(client.question().empty());
  REQUIRE(client.take()[4] == "wamp.error.invalid_uri");
  listener.send(R"([32,1,{},"com.a"])");
  listener.take();
  client.send(R"([16,2,{},"com.a"])");
  REQUIRE(client.question() == "publish com.a {}");
  listener.send(R"([34,2,1])");
  listener.take();
  client.answer(false);  // meanwhile it is of no use to anybody
  REQUIRE(client.waiting() == 0);
}

TEST_CASE("a cached decision counts for its session, action and URI, until the authorizer is replaced") {
  World world;
  auto& authorizer = world.realm.join();
  auto& joe = world.realm.join(0, "joe", "app");
  auto& ann = world.realm.join(0, "ann", "app");
  const auto asked = [](TestClient& client, const std::string& uri = "com.a",
                        const json& answer = json{{"allow", true}, {"cache", true}}) {
    client.send("[32,1,{},\"" + uri + "\"]");
    const bool was_asked = !client.question().empty();
    if (was_asked) client.answer(answer);
    client.last();
    return was_asked;
  };
  authorizer.send(R"([64,1,{},"com.authorizer"])");
  const auto registration = authorizer.take()[2];
  REQUIRE(asked(joe));
  REQUIRE_FALSE(asked(joe));
  REQUIRE(asked(joe, "com.b"));
  REQUIRE(asked(ann));  // what joe may do says nothing of ann
  joe.send(R"([48,2,{},"com.a"])");
  REQUIRE_FALSE(joe.question().empty());
  joe.answer(false);
  joe.last();
  REQUIRE(asked(ann, "com.c", {{"allow", false}, {"cache", true}}));
  REQUIRE_FALSE(asked(ann, "com.c"));  // refusals, too
  REQUIRE(asked(ann, "com.d", true));
  REQUIRE(asked(ann, "com.d", true));  // not cached
  authorizer.send("[66,2," + registration.dump() + "]");
  REQUIRE(asked(joe));
  authorizer.send(R"([64,3,{},"com.authorizer"])");
  REQUIRE(asked(joe));
  REQUIRE_FALSE(asked(joe));
}

TEST_CASE("compat.authorization_cache \"role\": as in Crossbar, one session's answer counts for all of its role") {
  auto options = quiet();
  options.cache_by_role = true;
  World world(options);
  auto& joe = world.realm.join(0, "joe", "app");
  auto& ann = world.realm.join(0, "ann", "app");
  joe.send(R"([32,1,{},"com.a"])");
  joe.answer({{"allow", true}, {"cache", true}});
  ann.send(R"([32,1,{},"com.a"])");
  REQUIRE(ann.question().empty());
  REQUIRE(ann.take()[0] == 33);
}
