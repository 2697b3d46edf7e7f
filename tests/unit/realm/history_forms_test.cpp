#include <catch2/catch.hpp>

#include "realm/event_journal.hpp"
#include "support/test_realm.hpp"

using namespace crosspoint;
using nlohmann::json;
using test::rules;
using test::TestClient;
using test::TestRealm;

namespace {

using Values = std::vector<int>;

/// The clock goes on by a second at each event, from 2026-01-02T03:04:06Z on.
realm::RealmOptions ticking() {
  realm::RealmOptions options;
  options.clock = [time = std::make_shared<std::int64_t>(1767323045000000)] { return *time += 1000000; };
  return options;
}

wamp::PublicationId publish(TestClient& client, const std::string& topic, int value) {
  client.send(json{16, 1, {{"acknowledge", true}}, topic, {value}}.dump());
  return client.last()[2];
}

json ask(TestClient& client, const std::string& procedure, const json& arguments) {
  client.send(json{48, 1, json::object(), procedure, arguments}.dump());
  return client.last();
}

Values history(TestClient& client, const std::string& form, const json& arguments) {
  const json reply = ask(client, "wamp.topic.history." + form, arguments);
  INFO(reply.dump());
  REQUIRE(reply[0] == 50);
  Values values;
  for (const json& event : reply[3][0]) values.push_back(event["args"][0].get<int>());
  return values;
}

std::string error(TestClient& client, const std::string& procedure, const json& arguments) {
  const json reply = ask(client, procedure, arguments);
  return reply[0] == 8 ? reply[4].get<std::string>() : "none";
}

std::uint64_t lookup(TestClient& client, const std::string& uri, const std::string& match) {
  return ask(client, "wamp.subscription.lookup", {uri, {{"match", match}}})[3][0];
}

}  // namespace

TEST_CASE("history by topic: the last events, those since a time, those after a publication (wamp.topic.history)") {
  TestRealm realm(2, ticking());
  realm.realm().add_history("com", wamp::Match::prefix, {100});
  realm.realm().add_history("com.few", wamp::Match::exact, {2});
  auto& publisher = realm.join(0);
  auto& reader = realm.join(1);
  std::vector<wamp::PublicationId> ids;
  for (int i = 1; i <= 6; ++i) ids.push_back(publish(publisher, i % 2 == 0 ? "com.few" : "com.odd", i));
  // Of what both logs have, the one that goes back further is read.
  for (const json& topic : {json("com.few"), json(lookup(reader, "com", "prefix"))}) {
    const bool all = !topic.is_string();
    REQUIRE(history(reader, "last", {topic, 2}) == (all ? Values{5, 6} : Values{4, 6}));
    REQUIRE(history(reader, "last", {topic, 100}) == (all ? Values{1, 2, 3, 4, 5, 6} : Values{2, 4, 6}));
    REQUIRE(history(reader, "since", {topic, "2026-01-02T03:04:09Z"}) == (all ? Values{4, 5, 6} : Values{4, 6}));
    REQUIRE(history(reader, "since", {topic, "2026-01-02T03:04:09:001Z"}) == (all ? Values{5, 6} : Values{6}));
    REQUIRE(history(reader, "after", {topic, ids[3]}) == (all ? Values{5, 6} : Values{6}));
    REQUIRE(history(reader, "after", {topic, ids[5]}).empty());
    REQUIRE(history(reader, "after", {topic, 1}).empty());  // it is not there (any more)
  }
  REQUIRE(history(reader, "last", {lookup(reader, "com.few", "exact"), 9}) == Values{4, 6});
  REQUIRE(history(reader, "last", {"com.nothing.yet", 9}).empty());
  const json event = ask(reader, "wamp.topic.history.last", {"com.few", 1})[3][0][0];
  REQUIRE(event["publication"] == ids[5]);
  REQUIRE(event["topic"] == "com.few");
  REQUIRE(event["timestamp"] == "2026-01-02T03:04:11.000000Z");
}

TEST_CASE("history by topic is refused for wrong arguments, topics that have none, and those who may not subscribe") {
  TestRealm realm(1, ticking());
  realm.realm().add_history("com.topic", wamp::Match::exact, {});
  realm.realm().add_role("caller",
                         rules({"call wamp.topic.history.last", "call wamp.subscription.flush", "subscribe com.free"}));
  auto& client = realm.join();
  static constexpr const char* kInvalid = "wamp.error.invalid_argument";
  for (const json& limit : {json(0), json(-1), json("2"), json(1.5), json()}) {
    REQUIRE(error(client, "wamp.topic.history.last", {"com.topic", limit}) == kInvalid);
  }
  for (const json& time : {json("yesterday"), json(5), json("2013-12-21T13:43:11:Z"), json()}) {
    REQUIRE(error(client, "wamp.topic.history.since", {"com.topic", time}) == kInvalid);
  }
  for (const json& id : {json(0), json("x"), json(-4), json()}) {
    REQUIRE(error(client, "wamp.topic.history.after", {"com.topic", id}) == kInvalid);
  }
  static constexpr const char* kUnavailable = "wamp.error.history_unavailable";
  REQUIRE(error(client, "wamp.topic.history.last", {"com.other", 1}) == kUnavailable);
  REQUIRE(error(client, "wamp.topic.history.last", {"wamp.session.on_join", 1}) == kUnavailable);
  REQUIRE(error(client, "wamp.topic.history.last", {12345, 1}) == "wamp.error.no_such_subscription");
  REQUIRE(error(client, "wamp.topic.history.last", {true, 1}) == kInvalid);
  const auto id = lookup(client, "com.topic", "exact");
  auto& other = realm.join(0, "ann", "caller");
  REQUIRE(error(other, "wamp.topic.history.last", {"com.topic", 1}) == "wamp.error.not_authorized");
  REQUIRE(error(other, "wamp.topic.history.last", {id, 1}) == "wamp.error.not_authorized");
  REQUIRE(error(other, "wamp.subscription.flush", json::array({id})) == "wamp.error.not_authorized");

  TestRealm without(1, ticking());
  REQUIRE(error(without.join(), "wamp.topic.history.last", {"com.topic", 1}) == kUnavailable);
}

TEST_CASE("the permission to read the history of a topic is that for the topic, not for the pattern") {
  TestRealm realm(1, ticking());
  realm.realm().add_history("com", wamp::Match::prefix, {});
  realm.realm().add_role("caller", rules({"call wamp.topic.history.last", "subscribe com.free"}));
  publish(realm.join(), "com.free", 1);
  auto& client = realm.join(0, "ann", "caller");
  REQUIRE(history(client, "last", {"com.free", 1}) == Values{1});
  REQUIRE(error(client, "wamp.topic.history.last", {"com.secret", 1}) == "wamp.error.not_authorized");
}

TEST_CASE("a dynamic authorizer is asked before history is read by topic") {
  TestRealm realm(1, ticking());
  realm.realm().add_history("com", wamp::Match::prefix, {});
  realm.realm().add_dynamic_role("asked", "com.authorize");
  publish(realm.join(), "com.x", 1);
  auto& client = realm.join(0, "ann", "asked");
  client.send(R"([48,1,{},"wamp.topic.history.last",["com.x",1]])");
  REQUIRE(client.question() == "call wamp.topic.history.last {}");
  client.answer(true);
  REQUIRE(client.question() == "subscribe com.x {}");
  client.answer(true);
  REQUIRE(client.take()[3][0].size() == 1);
}

TEST_CASE("the history of a subscription can be forgotten (wamp.subscription.flush)") {
  TestRealm realm(2, ticking());
  realm.realm().add_history("com.topic", wamp::Match::exact, {});
  realm.realm().add_history("com", wamp::Match::prefix, {});
  auto& client = realm.join(1);
  const auto id = lookup(client, "com.topic", "exact");
  const auto all = lookup(client, "com", "prefix");
  for (int i = 1; i <= 3; ++i) publish(client, "com.topic", i);
  REQUIRE(ask(client, "wamp.subscription.flush", json::array({id}))[3] == json::array({3}));
  REQUIRE(ask(client, "wamp.subscription.flush", json::array({id}))[3] == json::array({0}));
  REQUIRE(history(client, "last", {id, 9}).empty());
  REQUIRE(history(client, "last", {all, 9}) == Values{1, 2, 3});  // another one's
  publish(client, "com.topic", 4);
  REQUIRE(history(client, "last", {id, 9}) == Values{4});
  client.send(R"([32,1,{},"com.other"])");
  const json other = client.last()[2];
  REQUIRE(error(client, "wamp.subscription.flush", json::array({other})) == "wamp.error.history_unavailable");
  REQUIRE(error(client, "wamp.subscription.flush", json::array({99999})) == "wamp.error.no_such_subscription");
}

TEST_CASE("a flush of what is on disk is answered when it is done there") {
  class Journal final : public realm::EventJournal {
   public:
    void write(Entry entry) override { entries.push_back(std::move(entry)); }
    std::size_t backlog() const override { return 0; }
    std::vector<Entry> entries;
  };
  TestRealm realm(1, ticking());
  Journal journal;
  realm::EventLog* log = realm.realm().add_history("com.topic", wamp::Match::exact, {});
  realm.realm().set_journal(journal);
  auto& client = realm.join();
  client.send(R"([16,1,{},"com.topic",[1]])");
  const auto id = lookup(client, "com.topic", "exact");
  for (const std::string problem : {"", "the disk is full"}) {
    client.send(json{48, 7, json::object(), "wamp.subscription.flush", {id}}.dump());
    REQUIRE(client.waiting() == 0);
    const auto& entry = journal.entries.back();
    REQUIRE_FALSE(entry.publication);
    REQUIRE(entry.places[0].log == log);
    REQUIRE(entry.places[0].place.oldest == 2);
    REQUIRE(entry.flushed == (problem.empty() ? 1 : 0));
    realm.deliver_to(0, realm::StoredPublication{entry.publisher, entry.request, 0, problem, entry.flushed});
    const json reply = client.take();
    if (problem.empty()) {
      REQUIRE(reply == json::array({50, 7, json::object(), {1}}));
    } else {
      REQUIRE(reply[4] == "wamp.error.unavailable");
      REQUIRE(reply[5][0].get<std::string>().ends_with("could not be removed from the store: the disk is full"));
    }
  }
}
