#include <catch2/catch.hpp>

#include "realm/event_journal.hpp"
#include "support/test_realm.hpp"

using namespace crosspoint;
using crosspoint::test::rules;
using crosspoint::test::TestClient;
using crosspoint::test::TestRealm;
using nlohmann::json;

namespace {

/// Options of a realm whose clock goes on by a second at each event, from 2026-01-02T03:04:06Z on.
realm::RealmOptions ticking() {
  realm::RealmOptions options;
  options.clock = [time = std::make_shared<std::int64_t>(1767323045000000)] { return *time += 1000000; };
  return options;
}

std::uint64_t lookup(TestClient& client, const std::string& uri, const std::string& match = "exact") {
  client.send(json{48, 1, json::object(), "wamp.subscription.lookup", {uri, {{"match", match}}}}.dump());
  return client.last()[3][0];
}

void publish(TestClient& client, const std::string& topic, int value, const std::string& options = "{}") {
  client.send("[16,1," + options + ",\"" + topic + "\",[" + std::to_string(value) + "],{\"k\":1}]");
}

/// The answer to wamp.subscription.get_events.
json get_events(TestClient& client, const json& arguments, const json& keywords = json::object()) {
  client.send(json{48, 1, json::object(), "wamp.subscription.get_events", arguments, keywords}.dump());
  return client.last();
}

/// The first arguments of the events in it.
std::vector<int> values(const json& reply) {
  REQUIRE(reply[0] == 50);
  std::vector<int> all;
  for (const json& event : reply[3][0]) all.push_back(event["args"][0].get<int>());
  return all;
}

using Values = std::vector<int>;

/// Takes what is to be written, and writes nothing.
class TestJournal final : public realm::EventJournal {
 public:
  void write(Entry entry) override { entries.push_back(std::move(entry)); }
  std::size_t backlog() const override { return 0; }
  std::vector<Entry> entries;
};

}  // namespace

TEST_CASE("the last events of a topic can be asked for (Event History)") {
  TestRealm realm(1, ticking());
  realm.realm().add_history("com.topic", wamp::Match::exact, {3});
  auto& publisher = realm.join();
  auto& reader = realm.join(0, "ann");
  const auto id = lookup(reader, "com.topic");
  REQUIRE(values(get_events(reader, json::array({id}))).empty());
  for (int i = 1; i <= 5; ++i) publish(publisher, "com.topic", i);
  publish(publisher, "com.other", 6);
  REQUIRE(values(get_events(reader, json::array({id}))) == Values{5, 4, 3});  // newest first, as in Crossbar
  REQUIRE(values(get_events(reader, json::array({id, 2}))) == Values{5, 4});
  REQUIRE(values(get_events(reader, json::array({id}), {{"limit", 1}})) == Values{5});
  const json event = get_events(reader, json::array({id}))[3][0][2];
  REQUIRE(event["timestamp"] == "2026-01-02T03:04:08.000000Z");
  REQUIRE(event["time_ns"] == 1767323048000000000);
  REQUIRE(event["subscription"] == id);
  REQUIRE(event["publication"].get<std::uint64_t>() >= 1);
  REQUIRE(event["topic"] == "com.topic");
  REQUIRE(event["realm"] == "realm1");
  REQUIRE(event["kwargs"] == json{{"k", 1}});
  REQUIRE(event["details"] == json::object());
  REQUIRE(event["session_id"] == nullptr);
  REQUIRE(event["authid"] == nullptr);
}

TEST_CASE("history is kept without subscribers, from any shard, in one order for all") {
  TestRealm realm(2, ticking());
  realm.realm().add_history("com", wamp::Match::prefix, {});
  auto& one = realm.join(0);
  auto& other = realm.join(1);
  publish(one, "com.a", 1);
  publish(other, "com.b", 2);
  publish(one, "com.b", 3);
  const auto id = lookup(other, "com", "prefix");
  const json reply = get_events(other, json::array({id}));
  REQUIRE(values(reply) == Values{3, 2, 1});
  REQUIRE(reply[3][0][0]["details"] == json{{"topic", "com.b"}});
  // The subscription is there from the start, and stays when its members leave.
  other.send(R"([32,1,{"match":"prefix"},"com"])");
  REQUIRE(other.last() == json::array({33, 1, id}));
  other.send("[34,1," + std::to_string(id) + "]");
  publish(one, "com.c", 4);
  realm.settle();
  REQUIRE(values(get_events(one, json::array({id, 1}))) == Values{4});
}

TEST_CASE("history by the conditions of the specification: times, publications, topic, order") {
  TestRealm realm(1, ticking());
  realm.realm().add_history("com", wamp::Match::prefix, {});
  auto& publisher = realm.join();
  std::vector<std::uint64_t> publications;
  for (int i = 1; i <= 12; ++i) {
    publish(publisher, i % 2 == 0 ? "com.even" : "com.odd", i, R"({"acknowledge":true})");
    publications.push_back(publisher.take()[2]);
  }
  auto& reader = realm.join();
  const auto id = lookup(reader, "com", "prefix");
  const auto of = [&](const json& keywords) { return values(get_events(reader, json::array({id}), keywords)); };
  const auto second = [](int s) {
    return "2026-01-02T03:04:" + std::string(s < 10 ? "0" : "") + std::to_string(s) + "Z";
  };
  REQUIRE(of({{"reverse", false}}) == Values{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
  REQUIRE(of({{"reverse", true}, {"limit", 2}}) == Values{12, 11});
  REQUIRE(of({{"reverse", false}, {"limit", 2}}) == Values{1, 2});
  // Event n came at second 5 + n.
  REQUIRE(of({{"from_time", second(15)}}) == Values{10, 11, 12});
  REQUIRE(of({{"after_time", second(15)}}) == Values{11, 12});
  REQUIRE(of({{"before_time", second(8)}}) == Values{1, 2});
  REQUIRE(of({{"until_time", second(8)}}) == Values{1, 2, 3});
  REQUIRE(of({{"from_time", second(8)}, {"before_time", "2026-01-02T05:04:10+02:00"}}) == Values{3, 4});
  REQUIRE(of({{"topic", "com.even"}, {"after_time", second(12)}}) == Values{8, 10, 12});
  REQUIRE(of({{"from_publication", publications[9]}}) == Values{10, 11, 12});
  REQUIRE(of({{"after_publication", publications[9]}}) == Values{11, 12});
  REQUIRE(of({{"before_publication", publications[2]}}) == Values{1, 2});
  REQUIRE(of({{"until_publication", publications[2]}}) == Values{1, 2, 3});
  REQUIRE(of({{"after_publication", publications[2]}, {"before_publication", publications[5]}, {"reverse", true}}) ==
          Values{5, 4});
  REQUIRE(of({{"after_publication", publications[5]}, {"before_publication", publications[2]}}).empty());
  REQUIRE(of({{"after_publication", 77}}).empty());
  REQUIRE(values(get_events(reader, json::array({id}))).size() == 10);
  REQUIRE(values(get_events(reader, json::array({id, nullptr}))).size() == 12);
}

TEST_CASE("history shows events to those who might have received them, and those with lists of sessions to nobody") {
  TestRealm realm(1, ticking());
  realm.realm().add_history("com.topic", wamp::Match::exact, {});
  realm.realm().add_role("known", rules({"publish com.topic disclose"}));
  auto& publisher = realm.join();
  publish(publisher, "com.topic", 1, R"({"eligible_authid":["ann"]})");
  publish(publisher, "com.topic", 2, R"({"exclude_authrole":["user"]})");
  publish(publisher, "com.topic", 3, R"({"exclude":[5]})");
  publish(publisher, "com.topic", 4, R"({"eligible":[1000,1001,1002,1003]})");
  auto& known = realm.join(0, "bob", "known");
  publish(known, "com.topic", 5);
  auto& ann = realm.join(0, "ann");
  auto& cid = realm.join(0, "cid");
  const auto id = lookup(ann, "com.topic");
  const json reply = get_events(ann, json::array({id}));
  REQUIRE(values(reply) == Values{5, 1});
  REQUIRE(values(get_events(cid, json::array({id}))) == Values{5});
  const json event = reply[3][0][0];
  REQUIRE(event["details"] ==
          json{{"publisher", known.id()}, {"publisher_authid", "bob"}, {"publisher_authrole", "known"}});
  REQUIRE(event["session_id"] == known.id());
  REQUIRE(event["authid"] == "bob");
  REQUIRE(event["authrole"] == "known");
}

TEST_CASE("who may not subscribe may not read the history either") {
  TestRealm realm(1, ticking());
  realm.realm().add_history("com.topic", wamp::Match::exact, {});
  realm.realm().add_role("caller", rules({"call wamp.subscription.get_events", "call wamp.subscription.lookup"}));
  realm.realm().add_dynamic_role("asked", "com.authorize");
  auto& caller = realm.join(0, "ann", "caller");
  const auto id = lookup(caller, "com.topic");
  REQUIRE(get_events(caller, json::array({id}))[4] == "wamp.error.not_authorized");
  auto& asked = realm.join(0, "ann", "asked");
  const std::string call = "[48,7,{},\"wamp.subscription.get_events\",[" + std::to_string(id) + "]]";
  asked.send(call);
  REQUIRE(asked.question() == "call wamp.subscription.get_events {}");
  asked.answer(true);
  REQUIRE(asked.question() == "subscribe com.topic {}");
  asked.answer(false);
  REQUIRE(asked.last()[4] == "wamp.error.not_authorized");
  asked.send(call);
  asked.answer(true);
  asked.answer(true);
  REQUIRE(asked.last()[0] == 50);
}

TEST_CASE("history that cannot be had") {
  TestRealm without(1, ticking());
  REQUIRE(get_events(without.join(), json::array({1})) ==
          json::array({8, 48, 1, json::object(), "wamp.error.history_unavailable",
                       json::array({"event history not available or enabled"})}));
  TestRealm realm(1, ticking());
  REQUIRE(realm.realm().add_history("com.topic", wamp::Match::exact, {}) != nullptr);
  REQUIRE(realm.realm().add_history("com.topic", wamp::Match::exact, {}) == nullptr);
  auto& client = realm.join();
  const auto id = lookup(client, "com.topic");
  client.send(R"([32,1,{},"com.other"])");
  const auto other = client.last()[2];
  const auto error = [&](const json& arguments, const json& keywords = json::object()) {
    return get_events(client, arguments, keywords)[4];
  };
  REQUIRE(error(json::array({other})) == "wamp.error.history_unavailable");
  REQUIRE(error(json::array({7777})) == "wamp.error.no_such_subscription");
  REQUIRE(error(json::array()) == "wamp.error.invalid_argument");
  REQUIRE(error(json::array({id, 0})) == "wamp.error.invalid_argument");
  REQUIRE(error(json::array({id, "all"})) == "wamp.error.invalid_argument");
  REQUIRE(error(json::array({id}), {{"reverse", 1}}) == "wamp.error.invalid_argument");
  REQUIRE(error(json::array({id}), {{"from_time", "yesterday"}}) == "wamp.error.invalid_argument");
  REQUIRE(error(json::array({id}), {{"topic", 5}}) == "wamp.error.invalid_argument");
  REQUIRE(error(json::array({id}), {{"after_publication", -5}}) == "wamp.error.invalid_argument");
}

TEST_CASE("a log is limited in number and bytes, but keeps the newest event") {
  realm::EventLog log({100, 3000});
  const auto append = [&](std::size_t size) {
    auto publication = std::make_shared<realm::Publication>();
    publication->topic = std::string(size, 'x');
    return log.append(1, publication);
  };
  REQUIRE(append(1000).oldest == 1);
  REQUIRE(append(1000).oldest == 1);
  REQUIRE(append(1000).oldest == 2);
  const auto place = append(5000);
  REQUIRE(place.sequence == 4);
  REQUIRE(place.oldest == 4);
  REQUIRE(log.events().size() == 1);
  REQUIRE(append(10).oldest == 5);
}

TEST_CASE("an answer of more than 8 MiB ends early, and says so") {
  TestRealm realm(1, ticking());
  realm.realm().add_history("com.topic", wamp::Match::exact, {});
  auto& client = realm.join();
  const std::string text(3 * 1024 * 1024, 'x');
  for (int i = 0; i < 4; ++i) client.send("[16,1,{},\"com.topic\",[\"" + text + "\"]]");
  const json reply = get_events(client, json::array({lookup(client, "com.topic")}));
  REQUIRE(reply[3][0].size() == 2);
  REQUIRE(reply[4] == json{{"truncated", true}});
}

TEST_CASE("with a journal PUBLISHED comes when the event is written") {
  TestJournal journal;
  TestRealm realm(2, ticking());
  realm::EventLog& exact = *realm.realm().add_history("com.topic", wamp::Match::exact, {2});
  realm::EventLog& prefix = *realm.realm().add_history("com", wamp::Match::prefix, {});
  realm.realm().set_journal(journal);
  auto& client = realm.join(1);
  publish(client, "com.topic", 1, R"({"acknowledge":true,"eligible_authid":["ann"],"ppt_scheme":"x_a"})");
  REQUIRE(client.waiting() == 0);
  REQUIRE(journal.entries.size() == 1);
  const auto& entry = journal.entries[0];
  REQUIRE(entry.request == 1);
  REQUIRE(entry.publisher == client.session().key);
  REQUIRE(entry.time == 1767323046000000);
  REQUIRE(entry.places.size() == 2);
  REQUIRE(entry.places[0].log == &exact);
  REQUIRE(entry.places[1].log == &prefix);
  const auto again = realm::read_publication(entry.encoding, entry.publish, entry.publication->id, nullptr);
  REQUIRE(again);
  REQUIRE(again->topic == "com.topic");
  REQUIRE(base::as_text(again->payload.bytes) == R"([1],{"k":1})");
  REQUIRE(again->passthru->attributes[0].first == "ppt_scheme");
  realm::Identity reader;
  reader.authid = "ann";
  REQUIRE(again->filter->admits(reader));
  reader.authid = "bob";
  REQUIRE_FALSE(again->filter->admits(reader));

  realm.deliver_to(1, realm::StoredPublication{entry.publisher, entry.request, entry.publication->id, ""});
  REQUIRE(client.take() == json::array({17, 1, entry.publication->id}));
  realm.deliver_to(1, realm::StoredPublication{entry.publisher, 5, entry.publication->id, "disk full"});
  const json failure = client.take();
  REQUIRE(failure[4] == "wamp.error.unavailable");
  publish(client, "com.topic", 2);
  publish(client, "com.topic", 3);
  REQUIRE(journal.entries[2].request == 0);
  REQUIRE(journal.entries[2].places[0].place.sequence == 3);
  REQUIRE(journal.entries[2].places[0].place.oldest == 2);
  publish(client, "other", 4, R"({"acknowledge":true})");
  REQUIRE(client.take()[0] == 17);  // not kept
  const auto key = client.session().key;
  client.leave();
  realm.deliver_to(1, realm::StoredPublication{key, 6, 1, ""});  // the publisher has left
  REQUIRE(realm::read_publication(wamp::Encoding::json, "[36,1,2,{}]", 1, nullptr) == nullptr);
  REQUIRE(realm::read_publication(wamp::Encoding::json, "[16,", 1, nullptr) == nullptr);
}
