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
  void publish(const wamp::Publish& message, wamp::PublicationId id, const realm::Identity* publisher) override {
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
  void send(realm::ShardMessage message) override { sent.push_back(std::move(message)); }
  bool is_complete() const override { return complete; }
  std::size_t backlog() const override { return 0; }

  std::vector<std::string> take() { return std::exchange(notes, {}); }

  std::vector<std::string> notes;
  std::vector<realm::SubscriptionRef> made;
  std::vector<realm::PublicationRef> retained;
  wamp::PublicationId last_publication = 0;
  std::vector<realm::Claim> claims;
  std::vector<realm::ShardMessage> sent;
  bool complete = true;
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
    REQUIRE(realm.realm().directory().subscriptions.confirm(id, shards));
    for (unsigned shard = 0; shard < realm.realm().shard_count(); ++shard) {
      if ((shards >> shard & 1) != 0) realm.deliver_to(shard, realm::SubscriptionReady{id});
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
  // The confirmation of what is gone changes nothing, and the next subscription waits for its own.
  node.realm.deliver_to(0, realm::SubscriptionReady{node.port.made.back()->id});
  auto& cid = node.realm.join();
  cid.send(R"([32,1,{},"com.a"])");
  REQUIRE(node.port.take() == Notes{"made com.a"});
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

TEST_CASE("what a realm says about itself stays on its node") {
  Clustered node(1, realm::RealmOptions());
  auto& ann = node.realm.join();
  ann.send(R"([32,1,{},"wamp.subscription.on_create"])");
  REQUIRE(ann.take()[0] == 33);
  auto& ben = node.realm.join();
  ben.send(R"([32,1,{},"com.a"])");
  REQUIRE(ann.take()[0] == 36);
  REQUIRE(node.port.take() == Notes{"made com.a"});
  node.confirm();
  REQUIRE(ben.take()[0] == 33);
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
  REQUIRE(late.take()[0] == 33);
  REQUIRE(late.take() == json::parse(R"([36,1,5,{"retained":true}])"));
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
  REQUIRE(ann.take()[4] == "wamp.error.no_such_procedure");
}
