#include <catch2/catch.hpp>

#include <vector>

#include "realm/cluster_port.hpp"
#include "support/test_realm.hpp"

using namespace crosspoint;
using nlohmann::json;
using test::TestClient;
using test::TestRealm;

namespace {

/// Notes what the realm hands over, as "made <uri>", "gone <uri>" and "publish <topic> <publisher's authid or ->".
class Port final : public realm::ClusterPort {
 public:
  void subscription_made(const realm::SubscriptionRef& subscription) override {
    notes.push_back("made " + subscription->uri);
    made.push_back(subscription);
  }
  void subscription_gone(const realm::SubscriptionRef& subscription) override {
    notes.push_back("gone " + subscription->uri);
  }
  void publish(const wamp::Publish& message, wamp::PublicationId id, const realm::Identity* publisher,
               wamp::TrustLevel) override {
    notes.push_back("publish " + std::string(message.topic) + " " + (publisher != nullptr ? publisher->authid : "-"));
    last_publication = id;
  }
  void retain(const realm::PublicationRef& publication, unsigned shard) override {
    notes.push_back("retain " + publication->topic + " " + std::to_string(shard));
    retained.push_back(publication);
  }
  void claim(realm::Claim claim) override {
    notes.push_back("claim " + claim.uri + (claim.force ? " by force" : ""));
    claims.push_back(std::move(claim));
  }
  void release(std::uint64_t number) override { notes.push_back("release " + std::to_string(number)); }
  void catch_up(unsigned shard, std::uint64_t number) override { catch_ups.emplace_back(shard, number); }
  void send(realm::ShardMessage message) override { sent.push_back(std::move(message)); }
  bool is_complete() const override { return complete; }
  std::size_t backlog() const override { return 0; }
  void publish(const realm::MetaEvent& event) override {
    reports.push_back(std::to_string(event.number) + " " + event.publication->topic);
  }
  const std::string& node() const override { return name; }
  bool has_others() const override { return others; }
  void ask(unsigned shard, realm::NodeQuestion question) override {
    questions.emplace_back(shard, std::move(question));
  }
  void answer(const realm::NodeQuestion& question, const realm::NodeAnswer& answer) override {
    answers.emplace_back(question, answer);
  }

  std::vector<std::string> take() { return std::exchange(notes, {}); }

  std::vector<std::string> notes;
  std::vector<std::string> reports;  // "<place> <topic>" of what the realm publishes about itself
  std::vector<realm::SubscriptionRef> made;
  std::vector<realm::PublicationRef> retained;
  wamp::PublicationId last_publication = 0;
  std::vector<realm::Claim> claims;
  std::vector<std::pair<unsigned, std::uint64_t>> catch_ups;
  std::vector<realm::ShardMessage> sent;
  bool complete = true;
  std::string name = "here";
  bool others = true;
  std::vector<std::pair<unsigned, realm::NodeQuestion>> questions;  // with the shard that asks
  std::vector<std::pair<realm::NodeQuestion, realm::NodeAnswer>> answers;
};

struct Clustered {
  explicit Clustered(unsigned shards = 1, realm::RealmOptions options = test::quiet())
      : realm(shards, std::move(options)) {
    realm.realm().set_cluster(port);
  }
  /// Redis has confirmed the subscription made last.
  void confirm() {
    std::uint64_t shards = 0;
    const auto id = port.made.back()->id;
    const auto serial = port.made.back()->serial;
    REQUIRE(realm.realm().directory().subscriptions.confirm(id, serial, shards));
    for (unsigned shard = 0; shard < realm.realm().shard_count(); ++shard) {
      if ((shards >> shard & 1) != 0) realm.deliver_to(shard, realm::SubscriptionReady{id, serial});
    }
  }
  /// Another node has published something for that subscription.
  void receive(unsigned shard, const std::string& topic) {
    auto publication = std::make_shared<realm::Publication>();
    publication->id = 5;
    publication->topic = topic;
    publication->subscriptions.push_back(port.made.back()->id);
    realm.deliver_to(shard, realm::PublicationRef(publication));
  }

  /// All that was waiting for other nodes has had its turn.
  void catch_up() {
    for (const auto& [shard, number] : std::exchange(port.catch_ups, {})) {
      realm.deliver_to(shard, realm::CaughtUp{number});
    }
  }

  Port port;
  TestRealm realm;
};

using Notes = std::vector<std::string>;

}  // namespace

TEST_CASE("SUBSCRIBED waits until events of other nodes come in") {
  Clustered node(2);
  auto& ann = node.realm.join(0);
  auto& ben = node.realm.join(1);
  auto& cid = node.realm.join(0);
  ann.send(R"([32,1,{},"com.a"])");
  ben.send(R"([32,1,{},"com.a"])");
  REQUIRE(node.port.take() == Notes{"made com.a"});
  REQUIRE(ann.waiting() == 0);
  REQUIRE(ben.waiting() == 0);
  // No EVENT comes before SUBSCRIBED.
  cid.send(R"([16,1,{},"com.a"])");
  node.receive(0, "com.a");
  node.realm.settle();
  REQUIRE(ann.waiting() == 0);
  node.confirm();
  const json id = ann.take()[2];
  REQUIRE(ben.take() == json{33, 1, id});
  node.receive(0, "com.a");
  REQUIRE(ann.take() == json{36, id, 5, json::object()});
  // What is ready is ready for all.
  cid.send(R"([32,2,{},"com.a"])");
  REQUIRE(cid.take() == json{33, 2, id});
}

TEST_CASE("who waits twice is told twice and gets each event once") {
  Clustered node;
  auto& ann = node.realm.join();
  ann.send(R"([32,1,{},"com.a"])");
  ann.send(R"([32,2,{},"com.a"])");
  node.confirm();
  REQUIRE(ann.take()[1] == 1);
  REQUIRE(ann.take()[1] == 2);
  node.receive(0, "com.a");
  REQUIRE(ann.take()[0] == 36);
  REQUIRE(ann.waiting() == 0);
}

TEST_CASE("who leaves waiting leaves nothing behind") {
  Clustered node;
  auto& ann = node.realm.join();
  auto& ben = node.realm.join();
  ann.send(R"([32,1,{},"com.a"])");
  ben.send(R"([32,1,{},"com.a"])");
  ann.leave();
  REQUIRE(node.port.take() == Notes{"made com.a"});
  ben.leave();
  REQUIRE(node.port.take() == Notes{"gone com.a"});
  REQUIRE(node.realm.realm().directory().subscriptions.list().empty());
  // The confirmation of what is gone changes nothing, and the next subscription waits for its own, though its id is the
  // same.
  const auto gone = node.port.made.back();
  auto& cid = node.realm.join();
  cid.send(R"([32,1,{},"com.a"])");
  REQUIRE(node.port.take() == Notes{"made com.a"});
  REQUIRE(node.port.made.back()->id == gone->id);
  std::uint64_t shards = 0;
  REQUIRE_FALSE(node.realm.realm().directory().subscriptions.confirm(gone->id, gone->serial, shards));
  node.realm.deliver_to(0, realm::SubscriptionReady{gone->id, gone->serial});
  REQUIRE(cid.waiting() == 0);
  node.confirm();
  REQUIRE(cid.take()[0] == 33);
}

TEST_CASE("other nodes are told of the first and of the last member only") {
  Clustered node(2);
  auto& ann = node.realm.join(0);
  auto& ben = node.realm.join(1);
  ann.send(R"([32,1,{"match":"prefix"},"com."])");
  node.confirm();
  ben.send(R"([32,1,{"match":"prefix"},"com."])");
  const json id = ann.last()[2];
  ann.send(json{34, 2, id}.dump());
  REQUIRE(node.port.take() == Notes{"made com."});
  ben.leave();
  REQUIRE(node.port.take() == Notes{"gone com."});
}

TEST_CASE("a publication goes to other nodes once, whoever is subscribed here") {
  Clustered node(2);
  auto& ann = node.realm.join(0);
  auto& ben = node.realm.join(1);
  ann.send(R"([16,1,{},"com.a"])");
  REQUIRE(node.port.take() == Notes{"publish com.a -"});
  ben.send(R"([32,1,{},"com.a"])");
  node.confirm();
  ben.send(R"([32,2,{"match":"prefix"},"com"])");
  node.confirm();
  node.port.take();
  ann.send(R"([16,2,{"acknowledge":true},"com.a"])");
  REQUIRE(node.port.take() == Notes{"publish com.a -"});
  REQUIRE(ann.take() == json{17, 2, node.port.last_publication});
  // What came from another node does not go back.
  node.receive(0, "com.a");
  REQUIRE(node.port.take().empty());
}

TEST_CASE("what may not be published goes nowhere, and testaments go everywhere") {
  Clustered node(1, realm::RealmOptions());
  node.realm.realm().add_role("mute", test::rules({"call wamp.session.add_testament"}));
  node.realm.realm().add_role("open", test::rules({"call wamp.session.add_testament", "publish com.a disclose"}));
  auto& mute = node.realm.join(0, "max", "mute");
  mute.send(R"([16,1,{},"com.a"])");
  mute.send(R"([16,2,{},"not a uri"])");
  REQUIRE(node.port.take().empty());
  auto& open = node.realm.join(0, "ann", "open");
  open.send(R"([48,1,{},"wamp.session.add_testament",["com.a",[1],{}]])");
  REQUIRE(open.take()[0] == 50);
  REQUIRE(node.port.take().empty());
  open.leave();
  REQUIRE(node.port.take() == Notes{"publish com.a ann"});
}

TEST_CASE("what a realm says about itself goes to other nodes, in one order, and is waited for like other events") {
  Clustered node(2, realm::RealmOptions());
  auto& ann = node.realm.join(0);
  ann.send(R"([32,1,{},"wamp.subscription.on_create"])");
  REQUIRE(ann.waiting() == 0);
  REQUIRE(node.port.take() == Notes{"made wamp.subscription.on_create"});
  node.confirm();
  REQUIRE(ann.take()[0] == 33);
  ann.send(R"([32,2,{},"wamp.other"])");  // of which nobody tells
  REQUIRE(ann.take()[0] == 33);
  auto& ben = node.realm.join(1);
  ben.send(R"([32,1,{},"com.a"])");
  REQUIRE(node.port.take() == Notes{"made com.a"});
  node.confirm();
  REQUIRE(ben.take()[0] == 33);
  node.realm.settle();
  const json event = ann.take();
  REQUIRE(event[4][1]["uri"] == "com.a");
  REQUIRE(event[4][1]["node"] == "here");
  ben.leave();
  REQUIRE(node.port.reports == Notes{"1 wamp.session.on_join", "2 wamp.session.on_join",
                                     "3 wamp.subscription.on_create", "4 wamp.subscription.on_subscribe",
                                     "5 wamp.subscription.on_unsubscribe", "6 wamp.subscription.on_delete",
                                     "7 wamp.session.on_leave"});
}

namespace {

/// What a call of a meta procedure asks other nodes; `answers` come back.
struct Asked {
  json reply;
  realm::NodeQuestion question;
};
Asked ask(Clustered& node, TestClient& caller, const std::string& procedure, const json& arguments,
          std::vector<realm::NodeAnswer> answers, bool refused = false) {
  caller.send(json{48, 7, json::object(), procedure, arguments}.dump());
  node.realm.settle();
  Asked asked;
  if (!node.port.questions.empty()) {
    REQUIRE(caller.waiting() == 0);
    auto [shard, question] = node.port.questions.back();
    node.port.questions.pop_back();
    asked.question = question;
    node.realm.deliver_to(shard, realm::NodeAnswers{question.number, std::move(answers), refused});
    node.realm.deliver_to(shard, realm::NodeAnswers{question.number, {}});  // nobody waits for it
  }
  asked.reply = caller.take();
  REQUIRE(caller.waiting() == 0);
  REQUIRE(node.port.questions.empty());
  return asked;
}

}  // namespace

TEST_CASE("a meta procedure asks other nodes for what they know, unless this one knows it all") {
  Clustered node(2, realm::RealmOptions());
  auto& ann = node.realm.join(0);
  auto& ben = node.realm.join(1);
  const auto counted =
      ask(node, ann, "wamp.session.count", json::array({json::array({"user"})}), {{"b", "", "3"}, {"c", "", "4"}});
  REQUIRE(counted.reply == json{50, 7, json::object(), {9}});
  REQUIRE(counted.question.procedure == "wamp.session.count");
  REQUIRE(counted.question.arguments == R"([["user"]])");
  REQUIRE(counted.question.keywords == "{}");
  REQUIRE_FALSE(counted.question.trusted);
  REQUIRE(ask(node, ann, "wamp.session.get", {ben.id()}, {}).question.procedure.empty());
  const auto elsewhere =
      ask(node, ann, "wamp.session.get", {5}, {{"b", "wamp.error.no_such_session", ""}, {"c", "", "{}"}});
  REQUIRE(elsewhere.reply == json{50, 7, json::object(), {json::object()}});
  REQUIRE(ask(node, ann, "wamp.session.get", {5}, {}).reply[4] == "wamp.error.no_such_session");
  REQUIRE(ask(node, ann, "wamp.session.count", {1}, {}).question.procedure.empty());
  REQUIRE(ask(node, ann, "wamp.session.count", json::array(), {}, true).reply[4] == "wamp.error.unavailable");
  node.port.others = false;
  REQUIRE(ask(node, ann, "wamp.session.count", json::array(), {}).question.procedure.empty());
  node.port.others = true;
  ann.send(R"([48,8,{},"wamp.session.count"])");
  const auto [shard, question] = node.port.questions.back();
  ann.leave();
  node.realm.deliver_to(shard, realm::NodeAnswers{question.number, {{"b", "", "3"}}});  // nobody is there any more
}

TEST_CASE("other nodes are told what this one knows, whatever they ask") {
  Clustered node(2, realm::RealmOptions());
  auto& ann = node.realm.join(0);
  auto& ben = node.realm.join(1);
  ben.send(R"([32,1,{},"com.a"])");
  node.confirm();
  const auto id = std::to_string(ben.take()[2].get<std::uint64_t>());
  const auto asked = [&](const std::string& procedure, const std::string& arguments,
                         const std::string& keywords = "{}") {
    node.realm.deliver_to(0, realm::NodeQuestion{"b/1", 5, procedure, arguments, keywords, false});
    node.realm.settle();
    REQUIRE(node.port.answers.size() == 1);
    const auto [question, answer] = node.port.answers.back();
    node.port.answers.clear();
    REQUIRE(question.from == "b/1");
    REQUIRE(question.number == 5);
    return answer.error.empty() ? answer.text : answer.error;
  };
  REQUIRE(asked("wamp.session.count", "[]") == "2");
  REQUIRE(asked("wamp.session.count", "[]", R"({"filter_authroles":["x"]})") == "0");
  REQUIRE(asked("wamp.subscription.list_subscribers", "[" + id + "]") == "[" + std::to_string(ben.id()) + "]");
  REQUIRE(asked("wamp.subscription.remove_subscriber", "[" + id + "," + std::to_string(ben.id()) + "]") == "null");
  REQUIRE(asked("wamp.subscription.list_subscribers", "[" + id + "]") == "wamp.error.no_such_subscription");
  REQUIRE(asked("wamp.session.kill_all", "[]") == "2");
  REQUIRE(ann.farewells == Notes{"wamp.close.killed "});
  REQUIRE(ben.farewells == Notes{"wamp.close.killed "});
  REQUIRE(asked("wamp.session.count", "{}") == "wamp.error.invalid_argument");
  REQUIRE(asked("wamp.session.count", "[") == "wamp.error.invalid_argument");
  REQUIRE(asked("wamp.session.count", "[]", "") == "wamp.error.invalid_argument");
  REQUIRE(asked("wamp.session.add_testament", R"(["com.a",[],{}])") == "wamp.error.no_such_procedure");
  REQUIRE(asked("com.app", "[]") == "wamp.error.no_such_procedure");
  REQUIRE(node.port.questions.empty());
}

TEST_CASE("what is to be retained goes to other nodes once, from the shard that has it") {
  auto options = test::quiet();
  options.clock = [] { return std::int64_t{5'000'000}; };
  Clustered node(2, options);
  auto& publisher = node.realm.join(1);
  publisher.send(R"([16,1,{"retain":true,"acknowledge":true},"com.topic",[1]])");
  publisher.send(R"([16,2,{},"com.topic",[2]])");
  REQUIRE(node.port.take() == Notes{"retain com.topic 1", "publish com.topic -"});
  const auto place = node.port.retained[0]->retained;
  REQUIRE(place == (realm::retained_place(5000) | realm::RetainedEvents::kProvisional));
  publisher.send(R"([16,3,{"retain":true},"com.other",[3]])");
  REQUIRE(node.port.retained[1]->retained == place + 1);
}

TEST_CASE("a retained event of another node is kept by every shard, and delivered there") {
  Clustered node(2);
  auto& subscriber = node.realm.join(1);
  subscriber.send(R"([32,1,{},"com.topic"])");
  node.confirm();
  subscriber.last();
  const auto event = std::make_shared<realm::Publication>();
  event->id = 5;
  event->topic = "com.topic";
  event->retained = 100;
  for (const unsigned shard : {0U, 1U}) node.realm.deliver_to(shard, realm::PublicationRef(event));
  REQUIRE(subscriber.take()[2] == 5);
  REQUIRE(subscriber.waiting() == 0);
  auto& late = node.realm.join(0);
  late.send(R"([32,1,{"get_retained":true},"com.topic"])");
  const json subscribed = late.take();
  REQUIRE(subscribed[0] == 33);
  REQUIRE(late.take() == json{36, subscribed[2], 5, {{"retained", true}}});
}

TEST_CASE("the place of a retained event is passed on by the shard that has published it") {
  Clustered node(2);
  auto& publisher = node.realm.join(0);
  publisher.send(R"([16,1,{"retain":true},"com.topic",["mine"]])");
  auto placed = std::make_shared<realm::Publication>(*node.port.retained[0]);
  placed->retained = 100;
  auto newer = std::make_shared<realm::Publication>();
  newer->id = 5;
  newer->topic = "com.topic";
  newer->retained = 101;
  for (const unsigned shard : {0U, 1U}) {
    node.realm.deliver_to(shard, realm::PlacedPublication{newer});
  }
  REQUIRE(node.realm.under_way(0, 1) == 1);  // the event itself, for the other shard
  node.realm.deliver_to(0, realm::PlacedPublication{placed, true});
  REQUIRE(node.realm.under_way(0, 1) == 2);  // and its place behind it
  node.realm.settle();
  for (const unsigned shard : {0U, 1U}) {
    auto& late = node.realm.join(shard);
    late.send(R"([32,1,{"get_retained":true},"com.topic"])");
    if (shard == 0) node.confirm();
    REQUIRE(late.take()[0] == 33);
    REQUIRE(late.take()[2] == 5);
    REQUIRE(late.waiting() == 0);
  }
}

TEST_CASE("REGISTERED waits until the cluster has agreed, and nobody is called before") {
  Clustered node(2);
  auto& ann = node.realm.join(0);
  auto& ben = node.realm.join(1);
  ann.send(R"([64,1,{},"com.a"])");
  REQUIRE(node.port.take() == Notes{"claim com.a"});
  REQUIRE(ann.waiting() == 0);
  ben.send(R"([48,1,{},"com.a"])");
  REQUIRE(ben.waiting() == 0);  // somebody elsewhere may have it
  node.catch_up();
  REQUIRE(ben.take()[4] == "wamp.error.no_such_procedure");
  const std::uint64_t number = node.port.claims[0].number;
  node.realm.deliver_to(0, realm::ClaimDecided{number, realm::ClaimDecided::Outcome::accepted, 7, {}});
  const json id = ann.take()[2];
  ben.send(R"([48,2,{},"com.a"])");
  node.realm.settle();
  const json invocation = ann.take();
  REQUIRE(invocation[0] == 68);
  ann.send(json{70, invocation[1], json::object()}.dump());
  node.realm.settle();
  REQUIRE(ben.take()[0] == 50);
  ann.send(json{66, 2, id}.dump());
  REQUIRE(ann.waiting() == 0);
  node.catch_up();
  REQUIRE(ann.take() == json{67, 2});
  REQUIRE(node.port.take() == Notes{"release " + std::to_string(number)});
}

TEST_CASE("a claim that is refused is answered as on one node") {
  using Outcome = realm::ClaimDecided::Outcome;
  Clustered node;
  auto& ann = node.realm.join();
  const auto refuse = [&](Outcome outcome) {
    ann.send(R"([64,1,{"invoke":"first"},"com.a"])");
    node.realm.deliver_to(
        0, realm::ClaimDecided{node.port.claims.back().number, outcome, 0, wamp::InvocationPolicy::roundrobin});
    return ann.take();
  };
  REQUIRE(refuse(Outcome::already_exists)[4] == "wamp.error.procedure_already_exists");
  const json conflict = refuse(Outcome::policy_conflict);
  REQUIRE(conflict[4] == "wamp.error.procedure_exists_with_different_invocation_policy");
  REQUIRE(conflict[5][0].get<std::string>().find("has roundrobin and first was requested") != std::string::npos);
  REQUIRE(refuse(Outcome::unavailable)[4] == "wamp.error.unavailable");
  REQUIRE(node.port.take() == Notes{"claim com.a", "claim com.a", "claim com.a"});
}

TEST_CASE("what was claimed by a session that has left is released") {
  Clustered node;
  auto& ann = node.realm.join();
  ann.send(R"([64,1,{},"com.a"])");
  ann.leave();
  const std::uint64_t number = node.port.claims[0].number;
  node.realm.deliver_to(0, realm::ClaimDecided{number, realm::ClaimDecided::Outcome::accepted, 7, {}});
  REQUIRE(node.port.take() == Notes{"claim com.a", "release " + std::to_string(number)});
  REQUIRE(node.realm.realm().directory().registrations.list().empty());
}

TEST_CASE("while other nodes cannot be reached, a procedure that nobody has here is not said to be nowhere") {
  Clustered node;
  auto& ann = node.realm.join();
  node.port.complete = false;
  ann.send(R"([48,1,{},"com.a"])");
  REQUIRE(ann.take()[4] == "wamp.error.unavailable");
  node.port.complete = true;
  ann.send(R"([48,2,{},"com.a"])");
  ann.send(R"([32,3,{},"com.topic"])");
  REQUIRE(ann.waiting() == 0);
  node.catch_up();
  REQUIRE(ann.take()[4] == "wamp.error.no_such_procedure");
  REQUIRE(node.port.take() == Notes{"made com.topic"});  // what came behind it
  ann.send(R"([48,4,{},"wamp.nothing"])");               // nobody elsewhere has that
  REQUIRE(ann.take()[4] == "wamp.error.no_such_procedure");
}
