#include <catch2/catch.hpp>

#include "support/test_realm.hpp"

using crosspoint::realm::Announced;
using crosspoint::realm::RealmOptions;
using crosspoint::test::TestClient;
using crosspoint::test::TestRealm;
using nlohmann::json;

namespace {

Announced revocable() {
  Announced announced;
  announced.subscription_revocation = true;
  return announced;
}

std::uint64_t subscribe(TestClient& client, const std::string& uri) {
  client.send("[32,1,{},\"" + uri + "\"]");
  const json reply = client.last();
  REQUIRE(reply[0] == 33);
  return reply[2];
}

json remove(TestRealm& realm, TestClient& client, const json& arguments, const json& keywords = json::object()) {
  client.send(json{48, 1, json::object(), "wamp.subscription.remove_subscriber", arguments, keywords}.dump());
  realm.settle();
  return client.last();
}

}  // namespace

TEST_CASE("a subscriber can be taken off a subscription, on any shard (Subscription Revocation)") {
  TestRealm realm(2, RealmOptions());
  auto& admin = realm.join(0);
  for (unsigned shard = 0; shard < 2; ++shard) {
    auto& told = realm.join(shard, "joe", "user", revocable());
    auto& untold = realm.join(shard);
    auto& stays = realm.join(shard);
    const auto id = subscribe(told, "com.topic");
    subscribe(untold, "com.topic");
    subscribe(stays, "com.topic");
    REQUIRE(remove(realm, admin, {id, told.id(), "com.reason"}) == json{50, 1, json::object(), {nullptr}});
    REQUIRE(told.take() == json{35, 0, {{"subscription", id}, {"reason", "com.reason"}}});
    REQUIRE(remove(realm, admin, {id}, {{"subscriber_id", untold.id()}})[0] == 50);
    REQUIRE(untold.waiting() == 0);
    admin.send(R"([16,7,{},"com.topic"])");
    realm.settle();
    REQUIRE(told.waiting() == 0);
    REQUIRE(untold.waiting() == 0);
    REQUIRE(stays.take()[0] == 36);
    told.send("[34,9," + std::to_string(id) + "]");
    REQUIRE(told.take()[4] == "wamp.error.no_such_subscription");
    REQUIRE(subscribe(told, "com.topic") == id);
    REQUIRE(remove(realm, admin, {id, told.id()})[0] == 50);
    REQUIRE(told.take() == json{35, 0, {{"subscription", id}}});
  }
}

TEST_CASE("a revocation is reported like an unsubscription, and ends an empty subscription") {
  TestRealm realm(2, RealmOptions());
  auto& admin = realm.join(0);
  auto& watcher = realm.join(1);
  auto& subscriber = realm.join(0);
  watcher.send(R"([32,1,{"match":"prefix"},"wamp.subscription"])");
  realm.settle();
  const auto id = subscribe(subscriber, "com.topic");
  realm.settle();
  watcher.last();
  remove(realm, admin, {id, subscriber.id()});
  const json unsubscribed = watcher.take();
  REQUIRE(unsubscribed[3]["topic"] == "wamp.subscription.on_unsubscribe");
  REQUIRE(unsubscribed[4] == json::array({subscriber.id(), id}));
  REQUIRE(watcher.take()[3]["topic"] == "wamp.subscription.on_delete");
  REQUIRE(remove(realm, admin, {id, subscriber.id()})[4] == "wamp.error.no_such_subscription");
}

TEST_CASE("what cannot be revoked: unknown sessions and subscriptions, and what one is not subscribed to") {
  TestRealm realm(2, RealmOptions());
  auto& admin = realm.join(0);
  for (unsigned shard = 0; shard < 2; ++shard) {
    auto& one = realm.join(shard);
    auto& other = realm.join(shard);
    const auto id = subscribe(one, "com.topic");
    const auto error = [&](const json& arguments) { return remove(realm, admin, arguments)[4]; };
    REQUIRE(error({id, 77}) == "wamp.error.no_such_session");
    REQUIRE(error({id, -1}) == "wamp.error.no_such_session");
    REQUIRE(error({7777, one.id()}) == "wamp.error.no_such_subscription");
    REQUIRE(error({id, other.id()}) == "wamp.error.no_such_subscription");
    REQUIRE(error({id, "joe"}) == "wamp.error.invalid_argument");
    REQUIRE(error({id, one.id(), 5}) == "wamp.error.invalid_argument");
    REQUIRE(error({id}) == "wamp.error.invalid_argument");
  }
}
