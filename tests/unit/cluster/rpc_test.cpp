#include <catch2/catch.hpp>
#include <map>
#include <vector>

#include "base/random.hpp"
#include "test_cluster.hpp"

using namespace crosspoint;
using nlohmann::json;
using test::Node;
using test::outcome;
using test::TestClient;
using test::TestCluster;

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

TEST_CASE("who has been told REGISTERED can be called on every node, however late that hears of it") {
  TestCluster cluster;
  TestClient& callee = cluster[0].realm.join(0);
  TestClient& caller = cluster[1].realm.join(1);
  callee.send(R"([64,1,{},"com.a"])");
  while (cluster[0].step()) {
  }
  REQUIRE(outcome(callee.take()) == "ok");
  caller.send(R"([48,7,{},"com.a"])");
  caller.send(R"([48,8,{},"com.nowhere"])");
  REQUIRE(caller.waiting() == 0);
  cluster.settle();
  REQUIRE(callee.take()[0] == 68);
  REQUIRE(outcome(caller.take()) == "wamp.error.no_such_procedure");
  SECTION("who leaves meanwhile is forgotten") {
    caller.send(R"([48,9,{},"com.nowhere"])");
    caller.leave();
    cluster.settle();
  }
  SECTION("if the others cannot be reached any more, nobody waits for them") {
    caller.send(R"([48,9,{},"com.nowhere"])");
    cluster[1].disconnect();
    while (cluster[1].step()) {
    }
    REQUIRE(outcome(caller.take()) == "wamp.error.unavailable");  // the call of com.a
    REQUIRE(outcome(caller.take()) == "wamp.error.unavailable");
  }
}

TEST_CASE("what has been given up according to UNREGISTERED is free on every node") {
  TestCluster cluster;
  TestClient& first = cluster[0].realm.join(0);
  TestClient& second = cluster[1].realm.join(1);
  first.send(R"([64,1,{},"com.a"])");
  cluster.settle();
  const json registration = first.take()[2];
  first.send(json{66, 2, registration}.dump());
  REQUIRE(first.waiting() == 0);
  while (cluster[0].step()) {
  }
  REQUIRE(first.take() == json{67, 2});
  second.send(R"([64,1,{},"com.a"])");
  cluster.settle();
  REQUIRE(outcome(second.take()) == "ok");
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

TEST_CASE("a registration has one id on all nodes, also when it is made again") {
  TestCluster cluster;
  TestClient& callee = cluster[0].realm.join(1);
  TestClient& other = cluster[1].realm.join();
  const auto register_ = [&](TestClient& who, const char* options, const char* uri) -> wamp::RegistrationId {
    who.send(std::string("[64,1,") + options + ",\"" + uri + "\"]");
    cluster.settle();
    json message = who.take();
    while (message[0] == 67) message = who.take();
    REQUIRE(message[0] == 65);
    return message[2];
  };
  const auto id = register_(callee, "{}", "com.a");
  REQUIRE(id > std::uint64_t{1} << 32);
  REQUIRE(register_(callee, "{}", "com.b") != id);
  const auto same_everywhere = [&] {
    for (std::size_t i = 0; i < 3; ++i) REQUIRE(cluster[i].registration("com.a") == id);
  };
  same_everywhere();
  callee.send(json{66, 2, id}.dump());
  cluster.settle();
  REQUIRE(callee.take()[0] == 67);
  for (std::size_t i = 0; i < 3; ++i) REQUIRE(cluster[i].registration("com.a") == 0);
  REQUIRE(register_(callee, "{}", "com.a") == id);
  REQUIRE(register_(other, R"({"force_reregister":true})", "com.a") == id);
  REQUIRE(register_(callee, R"({"force_reregister":true})", "com.a") == id);
  same_everywhere();
  // It is the new one that a session gives up.
  callee.send(json{66, 3, id}.dump());
  cluster.settle();
  for (std::size_t i = 0; i < 3; ++i) REQUIRE(cluster[i].callees("com.a").empty());
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

namespace {

/// A caller and a callee on two nodes, with a call between them.
struct StreamingCluster {
  explicit StreamingCluster(const char* options) {
    callee.send(R"([64,1,{},"com.a"])");
    cluster.settle();
    registration = callee.take()[2];
    caller.send("[48,1," + std::string(options) + R"(,"com.a"])");
    cluster.settle();
    invocation = callee.take()[1];
  }
  void send_result() { callee.send(json{70, invocation, {{"progress", true}}, {piece}}.dump()); }
  void send_piece() { caller.send(json{48, 1, {{"progress", true}}, "com.a", {piece}}.dump()); }

  TestCluster cluster{2};
  TestClient& callee = cluster[0].realm.join();
  TestClient& caller = cluster[1].realm.join();
  json registration;
  json invocation;
  const std::string piece = std::string(10'000, 'x');
};

constexpr std::size_t kPieces = crosspoint::realm::Intake::kMostToNode / 10'256;

}  // namespace

TEST_CASE("who streams to another node waits until that has told what was taken in") {
  SECTION("results") {
    StreamingCluster w(R"({"receive_progress":true})");
    for (std::size_t sent = 0; sent < kPieces; ++sent) w.send_result();
    REQUIRE_FALSE(w.callee.held_back());
    w.send_result();
    REQUIRE(w.callee.held_back());  // and nothing has been heard of the other node
    w.cluster.settle();
    REQUIRE_FALSE(w.callee.held_back());
    REQUIRE(w.caller.waiting() == kPieces + 1);
  }
  SECTION("pieces") {
    StreamingCluster w(R"({"progress":true})");
    for (std::size_t sent = 0; sent < kPieces; ++sent) w.send_piece();
    REQUIRE_FALSE(w.caller.held_back());
    w.send_piece();
    REQUIRE(w.caller.held_back());
    w.cluster.settle();
    REQUIRE_FALSE(w.caller.held_back());
    REQUIRE(w.callee.waiting() == kPieces + 1);
  }
}

TEST_CASE("a stream of any length goes to another node, and what is open of it is never more than the limit") {
  StreamingCluster w(R"({"receive_progress":true})");
  for (int sent = 0; sent < 1000; ++sent) {
    if (w.callee.held_back()) w.cluster.settle();
    REQUIRE_FALSE(w.callee.held_back());
    w.send_result();
  }
  w.cluster.settle();
  REQUIRE(w.caller.waiting() == 1000);
}

TEST_CASE("who streams too much to another node waits until its receiver can take more") {
  StreamingCluster w(R"({"receive_progress":true})");
  auto& streams = w.cluster[1].rpc.calls();
  const auto intake = w.caller.session().make_intake();
  intake->set_full(true);
  for (std::size_t sent = 0; sent <= kPieces; ++sent) w.send_result();
  w.cluster.settle();
  REQUIRE(streams.holds_streams());
  REQUIRE(w.callee.held_back());
  streams.look_at_streams();
  w.cluster.settle();
  REQUIRE(w.callee.held_back());
  REQUIRE(intake->take_awaited());  // so that it is ended if that does not change
  intake->set_full(false);
  streams.look_at_streams();
  w.cluster.settle();
  REQUIRE_FALSE(w.callee.held_back());
  REQUIRE_FALSE(streams.holds_streams());
  REQUIRE(w.caller.waiting() == kPieces + 1);
}

TEST_CASE("a slow receiver of a stream that has not filled up keeps nobody waiting") {
  StreamingCluster w(R"({"receive_progress":true})");
  const auto intake = w.caller.session().make_intake();
  intake->set_full(true);
  for (std::size_t sent = 0; sent < kPieces; ++sent) w.send_result();
  w.cluster.settle();
  w.cluster[1].rpc.calls().look_at_streams();
  REQUIRE_FALSE(intake->take_awaited());
}

TEST_CASE("whoever is held back because of a call to another node goes on when that ends") {
  SECTION("the caller is answered before its last piece") {
    StreamingCluster w(R"({"progress":true})");
    w.callee.session().make_intake()->set_full(true);
    for (std::size_t sent = 0; sent <= kPieces; ++sent) w.send_piece();
    w.cluster.settle();
    REQUIRE(w.caller.held_back());
    w.callee.send(json{70, w.invocation, json::object()}.dump());
    w.cluster.settle();
    REQUIRE_FALSE(w.caller.held_back());
  }
  SECTION("the callee gives up its registration, and is not waited for") {
    StreamingCluster w(R"({"progress":true})");
    w.callee.send(json{66, 2, w.registration}.dump());
    w.cluster.settle();
    for (std::size_t sent = 0; sent <= 3 * kPieces; ++sent) {
      w.send_piece();
      w.cluster.settle();
      REQUIRE_FALSE(w.caller.held_back());
    }
  }
  SECTION("the caller leaves") {
    StreamingCluster w(R"({"receive_progress":true})");
    w.caller.session().make_intake()->set_full(true);
    for (std::size_t sent = 0; sent <= kPieces; ++sent) w.send_result();
    w.cluster.settle();
    REQUIRE(w.callee.held_back());
    w.caller.leave();
    w.cluster.settle();
    REQUIRE_FALSE(w.callee.held_back());
    w.cluster[1].rpc.calls().look_at_streams();
    REQUIRE_FALSE(w.cluster[1].rpc.calls().holds_streams());
  }
  SECTION("the other node is lost") {
    StreamingCluster w(R"({"progress":true})");
    w.callee.session().make_intake()->set_full(true);
    for (std::size_t sent = 0; sent <= kPieces; ++sent) w.send_piece();
    w.cluster.settle();
    REQUIRE(w.caller.held_back());
    w.cluster[1].rpc.gone(w.cluster[0].address, "the node is gone");
    w.cluster.settle();
    REQUIRE_FALSE(w.caller.held_back());
  }
}

TEST_CASE("a node that tells of more than it was sent is not believed") {
  StreamingCluster w(R"({"receive_progress":true})");
  auto& calls = w.cluster[0].rpc.calls();
  const std::string& from = w.cluster[1].address;
  w.send_result();
  w.cluster.settle();
  int refused = 0;  // calls that are not known may have ended
  for (int handle = 0; handle < 10'000; ++handle) {
    const std::string text = "results " + std::to_string(handle) + " 999999";
    if (!calls.heard(from, cluster::Calls::kTaken, text).empty()) ++refused;
  }
  REQUIRE(refused == 1);
  for (const char* bad : {"", "results", "results x 1", "results 1", "results 1 x", "others 1 1", "results 1 1 "}) {
    INFO(bad);
    REQUIRE_FALSE(calls.heard(from, cluster::Calls::kTaken, bad).empty());
  }
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
    const std::vector<std::string> kUris{"com.a", "com.wait"};
    const std::vector<std::string> kOptions{"{}",
                                            R"({"invoke":"roundrobin"})",
                                            R"({"invoke":"last"})",
                                            R"({"force_reregister":true})",
                                            R"({"concurrency":1})",
                                            R"({"invoke":"roundrobin","concurrency":1})",
                                            R"({"force_reregister":true,"concurrency":2})"};
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
        who.client->send("[64," + std::to_string(++who.request) + "," + kOptions[random.below(kOptions.size())] +
                         ",\"" + kUris[random.below(2)] + "\"]");
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
      REQUIRE(cluster[0].registration(uri) == cluster[1].registration(uri));
      REQUIRE(cluster[0].registration(uri) == cluster[2].registration(uri));
    }
    // All callees answer, or leave; then those have their turn that wait.
    for (bool answered = true; answered;) {
      answered = false;
      for (Client& who : clients) {
        read(who);
        for (const json& invocation : std::exchange(who.invocations, {})) {
          if (!who.client->joined()) break;
          who.client->send(json{70, invocation, json::object()}.dump());
          answered = true;
        }
      }
      cluster.settle();
    }
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
