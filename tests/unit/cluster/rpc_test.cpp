#include "cluster/rpc.hpp"

#include <catch2/catch.hpp>
#include <deque>
#include <memory>
#include <vector>

#include "base/random.hpp"
#include "support/test_realm.hpp"

using namespace crosspoint;
using namespace crosspoint::cluster;
using nlohmann::json;
using test::TestClient;
using test::TestRealm;

/// Whole clusters without sockets and clocks: nodes with their realms, and a bus in the place of Redis.
namespace {

class Node;

/// What Redis does: one order for all, and messages for one node.
struct Bus {
  std::vector<std::unique_ptr<Node>> nodes;
  std::uint64_t clock = 1000;
};

class Node final : public Rpc::Wire, public realm::ClusterPort {
 public:
  struct Mail {
    std::string from, kind, text;
    std::uint64_t order = 0;
  };

  Node(Bus& bus, const std::string& name, std::uint64_t seed)
      : address(name + "/1"), bus_(bus), realm(2, test::quiet(), seed), rpc(address, *this) {
    realm.realm().set_cluster(*this);
    rpc.add_realm(realm.realm());
    rpc.registrations().disconnected(bus_.clock);
  }

  void connect() {
    connected = true;
    rpc.registrations().connecting();
    std::size_t others = 0;
    for (const auto& other : bus_.nodes) {
      if (other.get() == this || !other->connected) continue;
      ++others;
      other->inbox.push_back({address, "hello", {}, 0});
    }
    rpc.registrations().expect(others, {});
  }
  void disconnect() {
    connected = false;
    inbox.clear();
    rpc.lost("cut off", ++bus_.clock);
    for (const auto& other : bus_.nodes) {
      if (other->connected) other->inbox.push_back({address, "gone", {}, 0});
    }
  }

  /// Does one of the things that are to be done. False if there is none.
  bool step() {
    if (!to_shards.empty()) {
      const auto [shard, message] = std::move(to_shards.front());
      to_shards.pop_front();
      realm.deliver_to(shard, message);
      return true;
    }
    if (realm.carry(0, 1) || realm.carry(1, 0)) return true;
    if (inbox.empty()) return false;
    const Mail mail = std::move(inbox.front());
    inbox.pop_front();
    if (mail.kind == "hello") {
      rpc.registrations().say_all();
    } else if (mail.kind == "gone") {
      rpc.gone(mail.from, "the node is gone");
    } else if (mail.kind == Calls::kRpc || mail.kind == Calls::kHold || mail.kind == Calls::kGo) {
      REQUIRE(rpc.calls().heard(mail.from, mail.kind, mail.text).empty());
    } else {
      REQUIRE(rpc.registrations().heard(mail.from, mail.kind, mail.text, mail.order));
    }
    return true;
  }

  // Rpc::Wire
  void announce(std::string_view kind, std::string_view text, std::uint64_t claim) override {
    if (!connected) return;
    ++bus_.clock;
    for (const auto& other : bus_.nodes) {
      if (!other->connected) continue;
      other->inbox.push_back({address, std::string(kind), std::string(text), claim != 0 ? bus_.clock : 0});
    }
  }
  void send_to(const std::string& to, std::string_view kind, std::string_view text) override {
    for (const auto& other : bus_.nodes) {
      if (!connected || !other->connected || other->address != to) continue;
      return other->inbox.push_back({address, std::string(kind), std::string(text), 0});
    }
    if (connected) inbox.push_back({to, "gone", {}, 0});
  }
  void deliver(std::size_t, unsigned shard, realm::ShardMessage message) override {
    to_shards.emplace_back(shard, std::move(message));
  }
  // ClusterPort
  void subscription_made(const realm::SubscriptionRef&) override {}
  void subscription_gone(const realm::SubscriptionRef&) override {}
  void publish(const wamp::Publish&, wamp::PublicationId, const realm::Identity*) override {}
  void retain(const realm::PublicationRef&, unsigned) override {}
  void claim(realm::Claim claim) override {
    rpc.registrations().claim(realm.realm().name(), std::move(claim), ++bus_.clock);
  }
  void release(std::uint64_t number) override { rpc.registrations().release(number); }
  void send(realm::ShardMessage message) override { rpc.calls().take(0, std::move(message)); }
  bool is_complete() const override { return rpc_complete(); }
  std::size_t backlog() const override { return 0; }
  void publish(const realm::MetaEvent&) override {}
  const std::string& node() const override { return address; }
  bool has_others() const override { return false; }
  void ask(unsigned, realm::NodeQuestion) override {}
  void answer(const realm::NodeQuestion&, const realm::NodeAnswer&) override {}

  /// The sessions that serve a procedure, as this node knows it.
  std::vector<wamp::SessionId> callees(const std::string& uri) {
    std::vector<wamp::SessionId> sessions;
    const auto view = realm.realm().directory().registrations.find(uri, wamp::Match::exact);
    if (!view.registration) return sessions;
    for (const realm::Callee& callee : *view.callees) sessions.push_back(callee.session);
    return sessions;
  }

  const std::string address;

 private:
  bool rpc_complete() const { return const_cast<Rpc&>(rpc).registrations().is_complete(); }
  Bus& bus_;

 public:
  TestRealm realm;
  Rpc rpc;
  bool connected = false;
  std::deque<Mail> inbox;
  std::deque<std::pair<unsigned, realm::ShardMessage>> to_shards;
};

struct TestCluster {
  explicit TestCluster(std::size_t count = 3, bool connected = true, std::uint64_t seed = 1) {
    for (std::size_t i = 0; i < count; ++i) {
      bus.nodes.push_back(std::make_unique<Node>(bus, std::string(1, static_cast<char>('a' + i)), seed * 100 + i));
      if (!connected) continue;
      bus.nodes.back()->connect();
      settle();
    }
  }
  Node& operator[](std::size_t i) { return *bus.nodes[i]; }
  void settle() {
    for (bool more = true; more;) {
      more = false;
      for (const auto& node : bus.nodes) more = node->step() || more;
    }
  }
  Bus bus;
};

std::string outcome(const json& message) { return message[0] == 8 ? message[4].get<std::string>() : "ok"; }

}  // namespace

TEST_CASE("a call goes to a callee of another node and its answer comes back") {
  TestCluster cluster;
  TestClient& callee = cluster[0].realm.join(1, "ann");
  TestClient& caller = cluster[1].realm.join(0, "ben");
  callee.send(R"([64,1,{},"com.a"])");
  cluster.settle();
  REQUIRE(outcome(callee.take()) == "ok");
  caller.send(R"([48,7,{},"com.a",[1,"two"],{"three":3}])");
  cluster.settle();
  const json invocation = callee.take();
  REQUIRE(invocation[4] == json{1, "two"});
  REQUIRE(invocation[5] == json{{"three", 3}});
  callee.send(json{70, invocation[1], json::object(), {4}}.dump());
  cluster.settle();
  const json result = caller.take();
  REQUIRE(result[1] == 7);
  REQUIRE(result[3] == json{4});
  for (int i = 0; i < 3; ++i) REQUIRE(cluster[static_cast<std::size_t>(i)].rpc.calls().size() == 0);
}

TEST_CASE("claims of all nodes at the same time: one of them gets the procedure, and all nodes know which") {
  TestCluster cluster;
  std::vector<TestClient*> clients;
  for (std::size_t i = 0; i < 3; ++i) {
    clients.push_back(&cluster[i].realm.join(0));
    clients.back()->send(R"([64,1,{},"com.a"])");
  }
  cluster.settle();
  std::vector<wamp::SessionId> winners;
  for (TestClient* client : clients) {
    if (outcome(client->take()) == "ok") winners.push_back(client->id());
  }
  REQUIRE(winners.size() == 1);
  for (std::size_t i = 0; i < 3; ++i) REQUIRE(cluster[i].callees("com.a") == winners);
}

TEST_CASE("a node that was cut off: its callers and callees hear of it, and what it has comes back with it") {
  TestCluster cluster;
  TestClient& callee = cluster[0].realm.join();
  TestClient& caller = cluster[1].realm.join();
  callee.send(R"([64,1,{},"com.a"])");
  cluster.settle();
  callee.take();
  caller.send(R"([48,1,{},"com.a"])");
  cluster.settle();
  REQUIRE(callee.take()[0] == 68);
  cluster[0].disconnect();
  cluster.settle();
  REQUIRE(outcome(caller.take()) == "wamp.error.unavailable");
  REQUIRE(cluster[1].callees("com.a").empty());
  REQUIRE(cluster[0].callees("com.a").size() == 1);
  caller.send(R"([64,2,{},"com.b"])");
  cluster.settle();
  caller.take();
  cluster[0].connect();
  cluster.settle();
  for (std::size_t i = 0; i < 3; ++i) {
    REQUIRE(cluster[i].callees("com.a") == std::vector{callee.id()});
    REQUIRE(cluster[i].callees("com.b") == std::vector{caller.id()});
  }
  callee.send(R"([48,2,{},"com.b"])");
  cluster.settle();
  REQUIRE(caller.take()[0] == 68);
}

TEST_CASE("claims wait until all nodes have said what they have") {
  TestCluster cluster(2, false);
  TestClient& older = cluster[0].realm.join();
  cluster[0].connect();
  older.send(R"([64,1,{},"com.a"])");
  cluster.settle();
  REQUIRE(outcome(older.take()) == "ok");
  cluster[1].connect();
  TestClient& younger = cluster[1].realm.join();
  younger.send(R"([64,1,{},"com.a"])");
  younger.send(R"([48,2,{},"com.a"])");
  REQUIRE(outcome(younger.take()) == "wamp.error.unavailable");
  REQUIRE(younger.waiting() == 0);
  cluster.settle();
  REQUIRE(outcome(younger.take()) == "wamp.error.procedure_already_exists");
}

TEST_CASE("a callee gets no more calls of other nodes at a time than it takes") {
  TestCluster cluster;
  TestClient& callee = cluster[0].realm.join(1);
  TestClient& caller = cluster[1].realm.join();
  callee.send(R"([64,1,{"concurrency":1},"com.a"])");
  cluster.settle();
  callee.take();
  for (int request = 1; request <= 2; ++request) {
    caller.send("[48," + std::to_string(request) + ",{},\"com.a\"]");
    cluster.settle();
  }
  const json invocation = callee.take();
  REQUIRE(callee.waiting() == 0);
  REQUIRE(outcome(caller.take()) == "crossbar.error.max_concurrency_reached");
  callee.send(json{70, invocation[1], json::object()}.dump());
  cluster.settle();
  REQUIRE(caller.take()[1] == 1);
  caller.send(R"([48,3,{},"com.a"])");
  cluster.settle();
  REQUIRE(callee.take()[0] == 68);
}

TEST_CASE("who streams too much to another node waits until its receiver can take more") {
  TestCluster cluster(2);
  TestClient& callee = cluster[0].realm.join();
  TestClient& caller = cluster[1].realm.join();
  callee.send(R"([64,1,{},"com.a"])");
  cluster.settle();
  callee.take();
  caller.send(R"([48,1,{"receive_progress":true},"com.a"])");
  cluster.settle();
  const json invocation = callee.take();
  const std::string piece = json{70, invocation[1], {{"progress", true}}, {1}}.dump();
  caller.session().make_intake()->set_full(true);
  callee.send(piece);
  cluster.settle();
  REQUIRE(cluster[1].rpc.calls().holds_streams());
  callee.send(piece);
  REQUIRE(callee.held_back());
  cluster[1].rpc.calls().look_at_streams();
  cluster.settle();
  REQUIRE(callee.held_back());
  caller.session().make_intake()->set_full(false);
  cluster[1].rpc.calls().look_at_streams();
  cluster.settle();
  REQUIRE_FALSE(callee.held_back());
  REQUIRE_FALSE(cluster[1].rpc.calls().holds_streams());
  REQUIRE(caller.waiting() == 2);
}

TEST_CASE("whatever happens, nodes that hear each other agree on who serves what, and each call is answered once") {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    INFO("seed " << seed);
    base::Random random(seed);
    TestCluster cluster(3, true, seed);
    struct Client {
      std::size_t node = 0;
      TestClient* client = nullptr;
      std::vector<json> registrations;
      std::vector<json> invocations;
      std::uint64_t request = 0;
      std::map<std::uint64_t, int> calls;  // answers
    };
    std::vector<Client> clients;
    const auto read = [](Client& who) {
      while (who.client->joined() && who.client->waiting() > 0) {
        const json message = who.client->take();
        if (message[0] == 65) who.registrations.push_back(message[2]);
        if (message[0] == 67 && message[1] == 0) std::erase(who.registrations, message[2]["registration"]);
        if (message[0] == 68) who.invocations.push_back(message[1]);
        if (message[0] == 50 || (message[0] == 8 && message[1] == 48)) ++who.calls[message[message[0] == 50 ? 1 : 2]];
      }
    };
    const std::vector<std::string> kUris{"com.a", "com.b"};
    const std::vector<std::string> kOptions{"{}", R"({"invoke":"roundrobin"})", R"({"invoke":"last"})",
                                            R"({"force_reregister":true})"};
    for (int action = 0; action < 120; ++action) {
      const auto what = random.below(20);
      if (clients.size() < 6 || what == 0) {
        const auto node = static_cast<std::size_t>(random.below(3));
        clients.push_back({node, &cluster[node].realm.join(static_cast<unsigned>(random.below(2))), {}, {}, 0, {}});
      }
      Client& who = clients[random.below(clients.size())];
      if (!who.client->joined()) continue;
      read(who);
      if (what < 5) {
        who.client->send("[64," + std::to_string(++who.request) + "," + kOptions[random.below(4)] + ",\"" +
                         kUris[random.below(2)] + "\"]");
      } else if (what < 7 && !who.registrations.empty()) {
        who.client->send(json{66, ++who.request, who.registrations.back()}.dump());
        who.registrations.pop_back();
      } else if (what < 12) {
        who.calls[++who.request] = 0;
        who.client->send("[48," + std::to_string(who.request) + ",{},\"" + kUris[random.below(2)] + "\"]");
      } else if (what < 15 && !who.invocations.empty()) {
        who.client->send(json{70, who.invocations.back(), json::object()}.dump());
        who.invocations.pop_back();
      } else if (what == 15) {
        who.client->leave();
      } else if (what == 16) {
        Node& node = cluster[random.below(3)];
        node.connected ? node.disconnect() : node.connect();
      }
      for (auto steps = random.below(12); steps > 0; --steps) cluster[random.below(3)].step();
    }
    for (std::size_t i = 0; i < 3; ++i) {
      if (!cluster[i].connected) cluster[i].connect();
    }
    cluster.settle();
    for (const std::string& uri : kUris) {
      INFO(uri);
      REQUIRE(cluster[0].callees(uri) == cluster[1].callees(uri));
      REQUIRE(cluster[0].callees(uri) == cluster[2].callees(uri));
    }
    // All callees answer, or leave.
    for (Client& who : clients) read(who);
    for (Client& who : clients) {
      if (!who.client->joined()) continue;
      for (const json& invocation : who.invocations) who.client->send(json{70, invocation, json::object()}.dump());
    }
    cluster.settle();
    for (Client& who : clients) {
      read(who);
      if (!who.client->joined()) continue;
      for (const auto& [request, answers] : who.calls) {
        INFO("node " << who.node << ", request " << request);
        REQUIRE(answers == 1);
      }
    }
    for (std::size_t i = 0; i < 3; ++i) REQUIRE(cluster[i].rpc.calls().size() == 0);
  }
}
