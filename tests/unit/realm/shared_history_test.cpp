#include "realm/shared_history.hpp"

#include <catch2/catch.hpp>
#include <deque>

#include "realm/cluster_port.hpp"
#include "support/test_realm.hpp"

using namespace crosspoint;
using nlohmann::json;
using test::rules;
using test::TestClient;
using test::TestRealm;

namespace {

/// Notes what it is asked, and answers when the test says so.
class Shared final : public realm::SharedHistory {
 public:
  struct Asked {
    realm::SessionKey caller;
    wamp::RequestId request = 0;
    std::shared_ptr<realm::HistoryReading> reading;
    const realm::EventLog* flushed = nullptr;
  };
  void add(Event event) override { events.push_back(std::move(event)); }
  bool read(const realm::SessionKey& caller, wamp::RequestId request, realm::HistoryReading reading) override {
    if (there) asked.push_back({caller, request, std::make_shared<realm::HistoryReading>(std::move(reading))});
    return there;
  }
  bool flush(const realm::SessionKey& caller, wamp::RequestId request, const realm::EventLog& log) override {
    if (there) asked.push_back({caller, request, nullptr, &log});
    return there;
  }
  bool there = true;
  std::vector<Event> events;
  std::deque<Asked> asked;  // tests refer to what is in it
};

struct Kept {
  explicit Kept(unsigned shards = 1) : realm(shards, test_options()) {
    log = realm.realm().add_history("com.topic", wamp::Match::exact, {2});
    realm.realm().set_shared_history(shared);
  }
  static realm::RealmOptions test_options() {
    realm::RealmOptions options;
    options.clock = [] { return std::int64_t{1767323046000000}; };
    return options;
  }
  std::uint64_t id() { return realm.realm().directory().subscriptions.find("com.topic", wamp::Match::exact)->id; }

  Shared shared;
  TestRealm realm;
  realm::EventLog* log = nullptr;
};

}  // namespace

TEST_CASE("with shared history PUBLISHED comes when the history has the event, and no node has a copy") {
  Kept node(2);
  auto& client = node.realm.join(1);
  client.send(R"([16,1,{"acknowledge":true},"com.topic",[1]])");
  client.send(R"([16,2,{},"com.topic",[2]])");
  client.send(R"([16,3,{"exclude":[5]},"com.topic",[3]])");
  client.send(R"([16,4,{"acknowledge":true},"com.other",[4]])");
  REQUIRE(client.take()[1] == 4);
  REQUIRE(client.waiting() == 0);
  REQUIRE(node.shared.events.size() == 2);
  const auto& event = node.shared.events[0];
  REQUIRE(event.request == 1);
  REQUIRE(event.publisher == client.session().key);
  REQUIRE(event.time == 1767323046000000);
  REQUIRE(event.logs == std::vector<const realm::EventLog*>{node.log});
  REQUIRE(node.shared.events[1].request == 0);
  REQUIRE(node.log->events().empty());
  node.realm.deliver_to(1, realm::StoredPublication{event.publisher, 1, event.publication->id, ""});
  REQUIRE(client.take() == json{17, 1, event.publication->id});
}

TEST_CASE("calls for shared history are answered when it has been read") {
  Kept node;
  auto& client = node.realm.join();
  client.send(R"([16,1,{},"com.topic",[1]])");
  client.send(json{48, 7, json::object(), "wamp.subscription.get_events", {node.id(), 5}}.dump());
  REQUIRE(client.waiting() == 0);
  REQUIRE(node.shared.asked.size() == 1);
  const auto& asked = node.shared.asked[0];
  REQUIRE(asked.request == 7);
  REQUIRE(asked.reading->log()->uri == "com.topic");
  REQUIRE(asked.reading->newest_first());
  asked.reading->add({1, 1767323046000000, node.shared.events[0].publication});
  asked.reading->end_log();
  const auto answer = [&](const std::string& problem) {
    node.realm.deliver_to(0, std::make_shared<const realm::HistoryAnswer>(
                                 realm::HistoryAnswer{asked.caller, 7, problem, {}, asked.reading}));
  };
  answer("");
  const json reply = client.take();
  REQUIRE(reply[1] == 7);
  REQUIRE(reply[3][0].size() == 1);
  REQUIRE(reply[3][0][0]["args"] == json{1});
  REQUIRE(reply[3][0][0]["timestamp"] == "2026-01-02T03:04:06.000000Z");
  answer("it is gone");
  REQUIRE(client.take() == json{8, 48, 7, json::object(), "wamp.error.unavailable", {"it is gone"}});
  client.send(json{48, 8, json::object(), "wamp.topic.history.last", {"com.topic", 3}}.dump());
  REQUIRE(node.shared.asked.size() == 2);
  client.leave();
  answer("");  // to nobody
}

TEST_CASE("shared history is forgotten where it is kept") {
  Kept node;
  auto& client = node.realm.join();
  client.send(json{48, 9, json::object(), "wamp.subscription.flush", {node.id()}}.dump());
  REQUIRE(client.waiting() == 0);
  REQUIRE(node.shared.asked[0].flushed == node.log);
  node.realm.deliver_to(
      0, std::make_shared<const realm::HistoryAnswer>(realm::HistoryAnswer{client.session().key, 9, {}, 12, {}}));
  REQUIRE(client.take() == json{50, 9, json::object(), {12}});
}

TEST_CASE("shared history that cannot be reached is unavailable, to those who may ask") {
  Kept node;
  node.realm.realm().add_role("caller", rules({"call wamp.topic.history.last"}));
  node.shared.there = false;
  auto& client = node.realm.join();
  for (const std::string procedure : {"wamp.subscription.get_events", "wamp.subscription.flush"}) {
    client.send(json{48, 7, json::object(), procedure, {node.id()}}.dump());
    REQUIRE(client.take()[4] == "wamp.error.unavailable");
  }
  client.send(R"([48,8,{},"wamp.topic.history.last",["com.topic",1]])");
  REQUIRE(client.take()[4] == "wamp.error.unavailable");
  client.send(R"([48,9,{},"wamp.topic.history.last",["com.other",1]])");
  REQUIRE(client.take()[4] == "wamp.error.history_unavailable");
  auto& other = node.realm.join(0, "ann", "caller");
  other.send(R"([48,8,{},"wamp.topic.history.last",["com.topic",1]])");
  REQUIRE(other.take()[4] == "wamp.error.not_authorized");
}
