#include <catch2/catch.hpp>

#include "support/test_realm.hpp"

using crosspoint::realm::Announced;
using crosspoint::test::quiet;
using crosspoint::test::TestClient;
using crosspoint::test::TestRealm;
using nlohmann::json;

namespace {

constexpr Announced kModern{true, true, true};

/// A caller and a callee of com.p, on the same shard or on two.
struct World {
  explicit World(unsigned callee_shard, Announced announced = kModern, const std::string& options = "{}")
      : realm(2), caller(realm.join(0, "caller")), callee(realm.join(callee_shard, "callee", "user", announced)) {
    callee.send("[64,1," + options + ",\"com.p\"]");
    registration = callee.take()[2];
  }

  /// Calls with the options given; the INVOCATION.
  json call(const std::string& options = "{}", int request = 1) {
    caller.send("[48," + std::to_string(request) + "," + options + ",\"com.p\",[1]]");
    realm.settle();
    return callee.take();
  }
  void from_callee(const json& message) {
    REQUIRE(callee.send(message.dump()).empty());
    realm.settle();
  }
  void from_caller(const json& message) {
    REQUIRE(caller.send(message.dump()).empty());
    realm.settle();
  }

  TestRealm realm;
  TestClient& caller;
  TestClient& callee;
  json registration;
};

/// The result without who answered.
json plain(json result) {
  REQUIRE(result[0] == 50);
  for (const char* key : {"callee", "callee_authid", "callee_authrole"}) result[2].erase(key);
  return result;
}

}  // namespace

TEST_CASE("a canceled call: skip, kill and killnowait (Call Canceling)") {
  for (const unsigned shard : {0U, 1U}) {
    World world(shard);
    const json canceled{8, 48, 1, json::object(), "wamp.error.canceled"};
    json invocation = world.call();
    world.from_caller({49, 1, {{"mode", "skip"}}});
    REQUIRE(world.caller.take() == canceled);
    REQUIRE(world.callee.waiting() == 0);
    world.from_callee({70, invocation[1], json::object(), {"late"}});
    REQUIRE(world.caller.waiting() == 0);

    invocation = world.call();
    world.from_caller({49, 1, {{"mode", "killnowait"}}});
    REQUIRE(world.caller.take() == canceled);
    REQUIRE(world.callee.take() == json{69, invocation[1], {{"mode", "killnowait"}}});
    world.from_callee({8, 68, invocation[1], json::object(), "wamp.error.canceled"});
    REQUIRE(world.caller.waiting() == 0);

    invocation = world.call();
    world.from_caller({49, 1, {{"mode", "kill"}}});
    REQUIRE(world.caller.waiting() == 0);
    REQUIRE(world.callee.take() == json{69, invocation[1], {{"mode", "kill"}}});
    world.from_callee({8, 68, invocation[1], json::object(), "wamp.error.canceled", {"cleaned up"}});
    REQUIRE(world.caller.take() == json{8, 48, 1, json::object(), "wamp.error.canceled", {"cleaned up"}});

    invocation = world.call();  // the result may be there before the interrupt
    world.from_caller({49, 1, {{"mode", "kill"}}});
    world.callee.take();
    world.from_callee({70, invocation[1], json::object(), {"done"}});
    REQUIRE(plain(world.caller.take()) == json{50, 1, json::object(), {"done"}});
    world.from_caller({49, 1, json::object()});  // of a call that is answered: nothing
    REQUIRE(world.caller.waiting() + world.callee.waiting() == 0);
  }
}

TEST_CASE("a callee that did not announce call canceling is not interrupted") {
  for (const unsigned shard : {0U, 1U}) {
    for (const char* mode : {"skip", "kill", "killnowait"}) {
      World world(shard, {});
      const json invocation = world.call();
      world.from_caller({49, 1, {{"mode", mode}}});
      REQUIRE(world.callee.waiting() == 0);
      REQUIRE(world.caller.take()[4] == "wamp.error.canceled");
      world.from_callee({70, invocation[1], json::object(), {"late"}});
      REQUIRE(world.caller.waiting() == 0);
    }
  }
}

TEST_CASE("a caller that leaves has its calls interrupted") {
  for (const unsigned shard : {0U, 1U}) {
    World world(shard);
    const json invocation = world.call();
    world.caller.leave();
    world.realm.settle();
    REQUIRE(world.callee.take() == json{69, invocation[1], {{"mode", "killnowait"}}});
    world.from_callee({70, invocation[1], json::object()});
    REQUIRE(world.callee.session().invocations.empty());
  }
}

TEST_CASE("a call with a timeout is ended by the router (Call Timeouts)") {
  for (const unsigned shard : {0U, 1U}) {
    World world(shard);
    json invocation = world.call(R"({"timeout":250})");
    REQUIRE(invocation[3] == json::object());
    REQUIRE(world.realm.timers.size() == 1);
    REQUIRE(world.realm.timers.begin()->second.milliseconds == 250);
    world.realm.time_out(0, world.realm.timers.begin()->first);
    REQUIRE(world.caller.take() == json{8, 48, 1, json::object(), "wamp.error.timeout", {"no answer within 250 ms"}});
    REQUIRE(world.callee.take() == json{69, invocation[1], {{"mode", "killnowait"}, {"reason", "wamp.error.timeout"}}});
    invocation = world.call(R"({"timeout":250})");
    world.from_callee({70, invocation[1], json::object()});
    world.caller.take();
    REQUIRE(world.realm.timers.empty());
    world.call(R"({"timeout":0})");
    REQUIRE(world.realm.timers.empty());
  }
}

TEST_CASE("a callee that wants to mind timeouts itself is told them") {
  for (const unsigned shard : {0U, 1U}) {
    World world(shard, kModern, R"({"forward_timeout":true})");
    REQUIRE(world.call(R"({"timeout":250})")[3] == json{{"timeout", 250}});
    REQUIRE(world.realm.timers.empty());
  }
}

TEST_CASE("results that come piece by piece (Progressive Call Results)") {
  for (const unsigned shard : {0U, 1U}) {
    World world(shard);
    const json invocation = world.call(R"({"receive_progress":true,"timeout":100})");
    REQUIRE(invocation[3] == json{{"receive_progress", true}});
    const auto first_timer = world.realm.timers.begin()->first;
    for (int i = 1; i <= 3; ++i) {
      world.from_callee({70, invocation[1], {{"progress", true}}, {i}});
      REQUIRE(plain(world.caller.take()) == json{50, 1, {{"progress", true}}, {i}});
    }
    REQUIRE(world.realm.timers.size() == 1);  // the time counts from one result to the next
    REQUIRE(world.realm.timers.begin()->first != first_timer);
    world.from_callee({70, invocation[1], json::object()});
    REQUIRE(plain(world.caller.take()) == json{50, 1, json::object()});
    REQUIRE(world.realm.timers.empty());
    world.from_callee({70, invocation[1], {{"progress", true}}, {4}});  // too late
    REQUIRE(world.caller.waiting() == 0);
  }
}

TEST_CASE("progress that nobody asked for is left out") {
  World world(0);
  const json invocation = world.call();
  REQUIRE(invocation[3] == json::object());
  world.from_callee({70, invocation[1], {{"progress", true}}, {1}});
  REQUIRE(world.caller.waiting() == 0);
  world.from_callee({70, invocation[1], json::object(), {2}});
  REQUIRE(plain(world.caller.take())[3] == json{2});
}

TEST_CASE("callees are asked for progress whatever they announce; what comes too late of it is passed over") {
  for (const unsigned shard : {0U, 1U}) {
    World world(shard, Announced{});
    const json invocation = world.call(R"({"receive_progress":true})");
    REQUIRE(invocation[3] == json{{"receive_progress", true}});
    world.from_callee({70, invocation[1], {{"progress", true}}, {1}});
    REQUIRE(plain(world.caller.take()) == json{50, 1, {{"progress", true}}, {1}});
    world.from_caller({49, 1, {{"mode", "killnowait"}}});  // the callee cannot be told
    REQUIRE(world.caller.take()[4] == "wamp.error.canceled");
    for (const bool progress : {true, false}) {
      REQUIRE(world.callee.send(json{70, invocation[1], {{"progress", progress}}, {2}}.dump()).empty());
      world.realm.settle();
    }
    REQUIRE(world.callee.waiting() == 0);
    REQUIRE(world.caller.waiting() == 0);
  }
}

TEST_CASE("a caller may send a call piece by piece (Progressive Call Invocations)") {
  for (const unsigned shard : {0U, 1U}) {
    World world(shard);
    json invocation = world.call(R"({"progress":true})");
    REQUIRE(invocation[3] == json{{"progress", true}});
    const json id = invocation[1];
    world.from_caller({48, 1, {{"progress", true}}, "com.p", {2}});
    REQUIRE(world.callee.take() == json{68, id, world.registration, {{"progress", true}}, {2}});
    world.from_caller({48, 1, json::object(), "com.p", {3}});
    REQUIRE(world.callee.take() == json{68, id, world.registration, json::object(), {3}});
    REQUIRE(world.caller.send(R"([48,1,{},"com.p",[4]])") ==
            "CALL with the request id of a call that is not answered yet");
    world.from_callee({70, id, json::object(), {"all"}});
    REQUIRE(plain(world.caller.take())[3] == json{"all"});
    // One that is answered before its end.
    invocation = world.call(R"({"progress":true})");
    world.callee.send(json{70, invocation[1], json::object(), {"enough"}}.dump());
    world.caller.send(R"([48,1,{"progress":true},"com.p",[2]])");
    world.realm.settle();
    REQUIRE(plain(world.caller.take())[3] == json{"enough"});
  }
}

TEST_CASE("attributes of payloads that the router does not look into are passed on (Payload Passthru Mode)") {
  const json attributes{{"ppt_scheme", "x_custom"}, {"ppt_serializer", "cbor"}, {"enc_algo", "cryptobox"}};
  for (const unsigned shard : {0U, 1U}) {
    World world(shard);
    const json invocation = world.call(attributes.dump());
    REQUIRE(invocation[3] == attributes);
    world.from_callee({70, invocation[1], attributes, {"secret"}});
    REQUIRE(plain(world.caller.take())[2] == attributes);
    world.call();
    world.callee.send(R"([32,2,{},"com.t"])");
    world.callee.take();
    json options = attributes;
    options["ppt_unknown"] = "not passed on";
    world.from_caller({16, 2, options, "com.t", {"secret"}});
    REQUIRE(world.callee.take()[3] == attributes);
  }
}

TEST_CASE("a procedure can be taken over by force (force_reregister, Registration Revocation)") {
  for (const unsigned shard : {0U, 1U}) {
    World world(shard);
    auto& heir = world.realm.join(0, "heir");
    heir.send(R"([64,1,{"force_reregister":true},"com.p"])");
    REQUIRE(heir.take()[0] == 65);
    world.realm.settle();
    REQUIRE(world.callee.take() ==
            json{67, 0, {{"registration", world.registration}, {"reason", "wamp.error.unregistered"}}});
    world.caller.send(R"([48,1,{},"com.p"])");
    REQUIRE(heir.take()[0] == 68);
    REQUIRE(world.callee.send("[66,2," + world.registration.dump() + "]").empty());
    REQUIRE(world.callee.take()[4] == "wamp.error.no_such_registration");
    world.callee.leave();
    world.caller.send(R"([48,2,{},"com.p"])");
    REQUIRE(heir.take()[0] == 68);
  }
}
