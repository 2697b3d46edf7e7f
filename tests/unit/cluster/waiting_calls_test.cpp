#include <catch2/catch.hpp>
#include <string>

#include "test_cluster.hpp"

using namespace crosspoint;
using nlohmann::json;
using test::Node;
using test::outcome;
using test::TestClient;
using test::TestCluster;

/// Calls of other nodes wait for a busy callee as those of its own node do.
namespace {

constexpr auto kProcedure = "com.wait";

void serve(TestCluster& cluster, TestClient& callee, const std::string& options = R"({"concurrency":1})") {
  callee.send(R"([64,1,)" + options + R"(,"com.wait"])");
  cluster.settle();
  REQUIRE(callee.take()[0] == 65);
}

void call(TestCluster& cluster, TestClient& caller, int request, const std::string& options = "{}") {
  caller.send(json{48, request, json::parse(options), kProcedure, {caller.id(), request}}.dump());
  cluster.settle();
}

/// The next invocation, by who has called and its request.
json invoked(TestClient& callee, json& invocation) {
  const json message = callee.take();
  REQUIRE(message[0] == 68);
  invocation = message[1];
  return message[4];
}

void answer(TestCluster& cluster, TestClient& callee, const json& invocation) {
  callee.send(json{70, invocation, json::object()}.dump());
  cluster.settle();
}

}  // namespace

TEST_CASE("calls of all nodes wait for a busy callee in one line") {
  TestCluster cluster;
  TestClient& callee = cluster[0].realm.join(1);
  TestClient& near = cluster[0].realm.join(0);
  TestClient& far = cluster[1].realm.join(0);
  TestClient& farther = cluster[2].realm.join(1);
  serve(cluster, callee);
  call(cluster, far, 1);
  call(cluster, far, 2);
  call(cluster, near, 1);
  call(cluster, farther, 1);
  json invocation;
  for (const json& expected : {json{far.id(), 1}, json{far.id(), 2}, json{near.id(), 1}, json{farther.id(), 1}}) {
    REQUIRE(invoked(callee, invocation) == expected);
    REQUIRE(callee.waiting() == 0);
    answer(cluster, callee, invocation);
  }
  REQUIRE(far.take()[1] == 1);
  REQUIRE(far.take()[1] == 2);
  REQUIRE(near.take()[0] == 50);
  REQUIRE(farther.take()[0] == 50);
  for (std::size_t i = 0; i < 3; ++i) REQUIRE(cluster[i].rpc.calls().size() == 0);
}

TEST_CASE("not more calls wait than the callee's node allows, whoever makes them") {
  TestCluster cluster;
  TestClient& callee = cluster[0].realm.join(1);
  TestClient& near = cluster[0].realm.join(0);
  TestClient& far = cluster[1].realm.join(0);
  serve(cluster, callee);
  call(cluster, near, 1);
  static_assert(Node::kQueue == 3);
  call(cluster, near, 2);
  call(cluster, far, 1);
  call(cluster, far, 2);
  call(cluster, far, 3);
  REQUIRE(outcome(far.take()) == "crossbar.error.max_concurrency_reached");
  call(cluster, near, 3);
  REQUIRE(outcome(near.take()) == "crossbar.error.max_concurrency_reached");
  json invocation;
  REQUIRE(invoked(callee, invocation) == json{near.id(), 1});
  answer(cluster, callee, invocation);
  REQUIRE(invoked(callee, invocation) == json{near.id(), 2});
  answer(cluster, callee, invocation);
  REQUIRE(invoked(callee, invocation) == json{far.id(), 1});
}

TEST_CASE("a call in pieces does not wait, since its further pieces would have to") {
  TestCluster cluster;
  TestClient& callee = cluster[0].realm.join(1);
  TestClient& far = cluster[1].realm.join(0);
  serve(cluster, callee);
  call(cluster, far, 1);
  call(cluster, far, 2, R"({"progress":true})");
  REQUIRE(outcome(far.take()) == "crossbar.error.max_concurrency_reached");
}

TEST_CASE("a waiting call of another node can be canceled, and what waits behind it goes on") {
  for (const char* mode : {"skip", "kill", "killnowait"}) {
    INFO(mode);
    TestCluster cluster;
    TestClient& callee = cluster[0].realm.join(1);
    TestClient& far = cluster[1].realm.join(0);
    serve(cluster, callee);
    for (int request = 1; request <= 3; ++request) call(cluster, far, request);
    json invocation;
    REQUIRE(invoked(callee, invocation) == json{far.id(), 1});
    far.send(json{49, 2, {{"mode", mode}}}.dump());
    cluster.settle();
    const json error = far.take();
    REQUIRE(error[2] == 2);
    REQUIRE(outcome(error) == "wamp.error.canceled");
    REQUIRE(callee.waiting() == 0);
    answer(cluster, callee, invocation);
    REQUIRE(far.take()[1] == 1);
    REQUIRE(invoked(callee, invocation) == json{far.id(), 3});
    answer(cluster, callee, invocation);
    REQUIRE(cluster[0].rpc.calls().size() == 0);
    REQUIRE(cluster[1].rpc.calls().size() == 0);
  }
}

TEST_CASE("a time limit counts while the call waits, whoever minds it") {
  for (const bool forwarded : {false, true}) {
    INFO(forwarded);
    TestCluster cluster;
    TestClient& callee = cluster[0].realm.join(1);
    TestClient& far = cluster[1].realm.join(0);
    serve(cluster, callee, forwarded ? R"({"concurrency":1,"forward_timeout":true})" : R"({"concurrency":1})");
    call(cluster, far, 1);
    call(cluster, far, 2, R"({"timeout":500})");
    Node& minds = cluster[forwarded ? 0 : 1];
    REQUIRE(cluster[forwarded ? 1 : 0].realm.timers.empty());
    REQUIRE(minds.realm.timers.size() == 1);
    REQUIRE(minds.realm.timers.begin()->second.milliseconds == 500);
    minds.realm.fire(forwarded ? 1 : 0, minds.realm.timers.begin()->first);
    cluster.settle();
    const json error = far.take();
    REQUIRE(error[2] == 2);
    REQUIRE(outcome(error) == "wamp.error.timeout");
    json invocation;
    REQUIRE(invoked(callee, invocation) == json{far.id(), 1});
    answer(cluster, callee, invocation);
    REQUIRE(callee.waiting() == 0);
    REQUIRE(cluster[0].rpc.calls().size() == 0);
    REQUIRE(cluster[1].rpc.calls().size() == 0);
  }
}

TEST_CASE("a call that gets its turn in time has no time limit of the queue any more") {
  TestCluster cluster;
  TestClient& callee = cluster[0].realm.join(1);
  TestClient& far = cluster[1].realm.join(0);
  serve(cluster, callee, R"({"concurrency":1,"forward_timeout":true})");
  call(cluster, far, 1);
  call(cluster, far, 2, R"({"timeout":500})");
  json invocation;
  invoked(callee, invocation);
  answer(cluster, callee, invocation);
  REQUIRE(callee.take()[3]["timeout"] == 500);
  REQUIRE(cluster[0].realm.timers.empty());
}

TEST_CASE("a node that is gone takes its waiting calls along") {
  TestCluster cluster;
  TestClient& callee = cluster[0].realm.join(1);
  TestClient& dying = cluster[1].realm.join(0);
  TestClient& far = cluster[2].realm.join(0);
  serve(cluster, callee);
  call(cluster, far, 1);
  call(cluster, dying, 1);
  call(cluster, far, 2);
  cluster[1].disconnect();
  cluster.settle();
  json invocation;
  REQUIRE(invoked(callee, invocation) == json{far.id(), 1});
  answer(cluster, callee, invocation);
  REQUIRE(invoked(callee, invocation) == json{far.id(), 2});
  answer(cluster, callee, invocation);
  REQUIRE(callee.waiting() == 0);
  REQUIRE(outcome(dying.take()) == "wamp.error.unavailable");
  REQUIRE(cluster[0].rpc.calls().size() == 0);
}

TEST_CASE("a callee that leaves fails what other nodes have waiting for it") {
  for (const bool shared : {false, true}) {
    INFO(shared);
    TestCluster cluster;
    TestClient& callee = cluster[0].realm.join(1);
    TestClient& other = cluster[2].realm.join(1);
    TestClient& far = cluster[1].realm.join(0);
    const std::string options = shared ? R"({"concurrency":1,"invoke":"first"})" : R"({"concurrency":1})";
    serve(cluster, callee, options);
    if (shared) serve(cluster, other, options);
    call(cluster, far, 1);
    call(cluster, far, 2);
    callee.leave();
    cluster.settle();
    // The one that was under way, and the one that waited.
    for (int i = 0; i < 2; ++i) REQUIRE(outcome(far.take()) == "wamp.error.canceled");
    REQUIRE(cluster[0].rpc.calls().size() == 0);
    if (!shared) continue;
    call(cluster, far, 3);
    json invocation;
    REQUIRE(invoked(other, invocation) == json{far.id(), 3});
  }
}

TEST_CASE("calls that wait for one callee hold up nobody who can go to another") {
  TestCluster cluster;
  TestClient& busy = cluster[0].realm.join(1);
  TestClient& idle = cluster[0].realm.join(0);
  TestClient& near = cluster[0].realm.join(0);
  TestClient& far = cluster[1].realm.join(0);
  const std::string options = R"({"concurrency":1,"invoke":"roundrobin"})";
  serve(cluster, busy, options);
  // From the other node all go to the one that is known there.
  call(cluster, far, 1);
  for (int request = 2; request <= 4; ++request) call(cluster, far, request);
  serve(cluster, idle, options);
  call(cluster, near, 1);
  json invocation;
  REQUIRE(invoked(idle, invocation) == json{near.id(), 1});
  answer(cluster, idle, invocation);
  REQUIRE(near.take()[0] == 50);
  REQUIRE(idle.waiting() == 0);
  for (int request = 1; request <= 4; ++request) {
    REQUIRE(invoked(busy, invocation) == json{far.id(), request});
    answer(cluster, busy, invocation);
  }
}
