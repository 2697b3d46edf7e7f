#include <catch2/catch.hpp>

#include <map>
#include <set>

#include "support/test_realm.hpp"

using crosspoint::test::rules;
using crosspoint::test::TestClient;
using crosspoint::test::TestRealm;
using nlohmann::json;

namespace {

/// Registers and returns the registration's id.
std::uint64_t register_(TestClient& client, const std::string& uri, const std::string& options = "{}") {
  client.send("[64,1," + options + ",\"" + uri + "\"]");
  const json reply = client.last();
  REQUIRE(reply[0] == 65);
  return reply[2];
}

/// The answer to an attempt that must fail.
json register_error(TestClient& client, const std::string& uri, const std::string& options = "{}") {
  client.send("[64,1," + options + ",\"" + uri + "\"]");
  const json reply = client.last();
  REQUIRE(reply[0] == 8);
  REQUIRE(reply[1] == 64);
  return reply;
}

}  // namespace

TEST_CASE("a call goes to the callee and its result comes back (Remote Procedure Calls)") {
  TestRealm realm;
  auto& callee = realm.join(0, "server");
  auto& caller = realm.join();
  const auto id = register_(callee, "com.add");
  caller.send(R"([48,33,{},"com.add",[2,3],{"x":1}])");
  REQUIRE(callee.take() == json::array({68, 1, id, json::object(), {2, 3}, {{"x", 1}}}));
  callee.send(R"([70,1,{},[5],{"y":2}])");
  const json result = caller.take();
  REQUIRE(result[0] == 50);
  REQUIRE(result[1] == 33);
  REQUIRE(result[2] == json{{"callee", callee.id()}, {"callee_authid", "server"}, {"callee_authrole", "user"}});
  REQUIRE(result[3] == json::array({5}));
  REQUIRE(result[4] == json{{"y", 2}});
}

TEST_CASE("an error of the callee comes back with its URI, details and payload") {
  TestRealm realm;
  auto& callee = realm.join();
  auto& caller = realm.join();
  register_(callee, "com.fail");
  caller.send(R"([48,33,{},"com.fail"])");
  callee.take();
  callee.send(R"([8,68,1,{"a":1},"com.error.bad",["why"],{"k":"v"}])");
  REQUIRE(caller.take() == json::array({8, 48, 33, {{"a", 1}}, "com.error.bad", {"why"}, {{"k", "v"}}}));
}

TEST_CASE("invocation ids count up from 1 for each callee (IDs of session scope)") {
  TestRealm realm;
  auto& one = realm.join();
  auto& two = realm.join();
  auto& caller = realm.join();
  register_(one, "com.one");
  register_(two, "com.two");
  for (const char* uri : {"com.one", "com.one", "com.two", "com.one"}) {
    caller.call(std::string(uri));
  }
  REQUIRE(one.take()[1] == 1);
  REQUIRE(one.take()[1] == 2);
  REQUIRE(one.take()[1] == 3);
  REQUIRE(two.take()[1] == 1);
}

TEST_CASE("answers may come in any order, and a session may call itself") {
  TestRealm realm;
  auto& client = realm.join();
  register_(client, "com.self");
  client.send(R"([48,10,{},"com.self"])");
  client.send(R"([48,11,{},"com.self"])");
  client.last();
  client.send("[70,2,{}]");
  REQUIRE(client.take()[1] == 11);
  client.send("[70,1,{}]");
  REQUIRE(client.take()[1] == 10);
}

TEST_CASE("a call of what nobody registered is wamp.error.no_such_procedure") {
  TestRealm realm;
  auto& caller = realm.join();
  caller.send(R"([48,33,{},"com.nothing"])");
  REQUIRE(caller.take() == json::array({8,
                                        48,
                                        33,
                                        json::object(),
                                        "wamp.error.no_such_procedure",
                                        {"no callee registered for procedure <com.nothing>"}}));
}

TEST_CASE("a procedure is registered once: the second time is wamp.error.procedure_already_exists") {
  TestRealm realm;
  auto& one = realm.join();
  auto& two = realm.join();
  register_(one, "com.add");
  for (auto* client : {&one, &two}) {
    const json error = register_error(*client, "com.add");
    REQUIRE(error[4] == "wamp.error.procedure_already_exists");
    REQUIRE(error[5] == json::array({"register for already registered procedure 'com.add'"}));
  }
  REQUIRE(register_error(two, "com.add", R"({"invoke":"roundrobin"})")[4] == "wamp.error.procedure_already_exists");
}

TEST_CASE("the same URI under another match policy is another registration") {
  TestRealm realm;
  auto& client = realm.join();
  std::set<std::uint64_t> ids{register_(client, "com.add"), register_(client, "com.add", R"({"match":"prefix"})"),
                              register_(client, "com.add", R"({"match":"wildcard"})")};
  REQUIRE(ids.size() == 3);
}

TEST_CASE("after UNREGISTERED there are no more invocations, and the URI is free again") {
  TestRealm realm;
  auto& callee = realm.join();
  auto& caller = realm.join();
  const auto id = register_(callee, "com.add");
  callee.send("[66,5," + std::to_string(id) + "]");
  REQUIRE(callee.take() == json::array({67, 5}));
  caller.call("com.add");
  REQUIRE(caller.take()[4] == "wamp.error.no_such_procedure");
  REQUIRE(callee.waiting() == 0);
  register_(caller, "com.add");
}

TEST_CASE("unregistering what one did not register is wamp.error.no_such_registration") {
  TestRealm realm;
  auto& one = realm.join();
  auto& two = realm.join();
  const auto id = register_(one, "com.add");
  two.send("[66,5," + std::to_string(id) + "]");
  REQUIRE(two.take() == json::array({8, 66, 5, json::object(), "wamp.error.no_such_registration"}));
}

TEST_CASE("shared registrations choose the callee by their policy (Shared Registration)") {
  TestRealm realm;
  auto& caller = realm.join();
  std::vector<TestClient*> callees;
  const auto share = [&](const std::string& policy) {
    callees.clear();
    for (int i = 0; i < 3; ++i) {
      callees.push_back(&realm.join());
      register_(*callees.back(), "com." + policy, "{\"invoke\":\"" + policy + "\"}");
    }
  };
  const auto call = [&](const std::string& policy, int times) {
    std::vector<std::size_t> counts;
    for (int i = 0; i < times; ++i) caller.call("com." + policy);
    for (auto* callee : callees) counts.push_back(callee->waiting());
    return counts;
  };
  share("first");
  REQUIRE(call("first", 4) == std::vector<std::size_t>{4, 0, 0});
  callees[0]->leave();
  callees.erase(callees.begin());
  REQUIRE(call("first", 2) == std::vector<std::size_t>{2, 0});
  share("last");
  REQUIRE(call("last", 4) == std::vector<std::size_t>{0, 0, 4});
  share("roundrobin");
  REQUIRE(call("roundrobin", 9) == std::vector<std::size_t>{3, 3, 3});
  share("random");
  for (const std::size_t count : call("random", 300)) REQUIRE((count > 60 && count < 140));
}

TEST_CASE("a second policy for a shared registration is refused") {
  TestRealm realm;
  auto& one = realm.join();
  auto& two = realm.join();
  register_(one, "com.add", R"({"invoke":"roundrobin"})");
  const json error = register_error(two, "com.add", R"({"invoke":"random"})");
  REQUIRE(error[4] == "wamp.error.procedure_exists_with_different_invocation_policy");
  REQUIRE(error[5] == json::array({"register for already registered procedure 'com.add' with conflicting invocation "
                                   "policy (has roundrobin and random was requested)"}));
  REQUIRE(register_error(two, "com.add")[4] == "wamp.error.procedure_exists_with_different_invocation_policy");
}

TEST_CASE("registering twice for a shared registration counts once") {
  TestRealm realm;
  auto& one = realm.join();
  auto& two = realm.join();
  auto& caller = realm.join();
  const auto id = register_(one, "com.add", R"({"invoke":"roundrobin"})");
  REQUIRE(register_(one, "com.add", R"({"invoke":"roundrobin"})") == id);
  REQUIRE(register_(two, "com.add", R"({"invoke":"roundrobin"})") == id);
  for (int i = 0; i < 4; ++i) caller.call("com.add");
  REQUIRE(one.waiting() == 2);
  REQUIRE(two.waiting() == 2);
}

TEST_CASE("pattern-based registrations are told which procedure was called (Pattern-based Registrations)") {
  TestRealm realm;
  auto& callee = realm.join();
  auto& caller = realm.join();
  register_(callee, "com.a", R"({"match":"prefix"})");
  register_(callee, "x..z", R"({"match":"wildcard"})");
  caller.call("com.abc");
  REQUIRE(callee.take()[3] == json{{"procedure", "com.abc"}});
  caller.call("x.y.z");
  REQUIRE(callee.take()[3] == json{{"procedure", "x.y.z"}});
}

TEST_CASE(
    "of several matching registrations the specification's one is called (Calls matching multiple registrations)") {
  TestRealm realm;
  auto& callee = realm.join();
  auto& caller = realm.join();
  // The specification's table, but for "a1.b2.c33": it means component-wise prefixes there, while its definition of
  // prefix matching (and every router) takes "a1.b2.c3" for a prefix of it.
  std::map<std::uint64_t, int> number;
  number[register_(callee, "a1.b2.c3.d4.e55")] = 1;
  number[register_(callee, "a1.b2.c3", R"({"match":"prefix"})")] = 2;
  number[register_(callee, "a1.b2.c3.d4", R"({"match":"prefix"})")] = 3;
  number[register_(callee, "a1.b2..d4.e5", R"({"match":"wildcard"})")] = 4;
  number[register_(callee, "a1.b2.d33..e5", R"({"match":"wildcard"})")] = 5;
  number[register_(callee, "a1.b2..d4.e5..g7", R"({"match":"wildcard"})")] = 6;
  number[register_(callee, "a1.b2..d4..f6.g7", R"({"match":"wildcard"})")] = 7;
  const auto called = [&](const std::string& uri) {
    caller.call(uri);
    const json invocation = callee.take();
    return invocation.is_null() ? 0 : number[invocation[2].get<std::uint64_t>()];
  };
  REQUIRE(called("a1.b2.c3.d4.e55") == 1);
  REQUIRE(called("a1.b2.c3.d98.e74") == 2);
  REQUIRE(called("a1.b2.c3.d4.e325") == 3);
  REQUIRE(called("a1.b2.c55.d4.e5") == 4);
  REQUIRE(called("a1.b2.d33.d4.e5") == 5);
  REQUIRE(called("a1.b2.c88.d4.e5.f6.g7") == 6);
  REQUIRE(called("a2.b2.c2.d2.e2") == 0);
  REQUIRE(caller.last()[4] == "wamp.error.no_such_procedure");
}

TEST_CASE("the caller is disclosed if its role's rule says so (Caller Identification)") {
  TestRealm realm;
  realm.realm().add_role("known", rules({"call com.open disclose", "call com.shut"}));
  auto& callee = realm.join();
  auto& caller = realm.join(0, "ann", "known");
  register_(callee, "com.open");
  register_(callee, "com.shut");
  caller.call("com.open");
  REQUIRE(callee.take()[3] == json{{"caller", caller.id()}, {"caller_authid", "ann"}, {"caller_authrole", "known"}});
  caller.send(R"([48,2,{"disclose_me":true},"com.shut"])");
  REQUIRE(callee.take()[3] == json::object());
}

TEST_CASE("who may not call or register is refused before anything is said of what exists") {
  TestRealm realm;
  realm.realm().add_role("guest", rules({"call com.free"}));
  auto& callee = realm.join();
  auto& guest = realm.join(0, "ann", "guest");
  register_(callee, "com.add");
  for (const char* uri : {"com.add", "com.nothing"}) {
    guest.call(std::string(uri));
    const json error = guest.take();
    REQUIRE(error[4] == "wamp.error.not_authorized");
    REQUIRE(error[5][0].get<std::string>().ends_with("is not authorized to call procedure \"" + std::string(uri) +
                                                     "\" on realm \"realm1\""));
  }
  const json error = register_error(guest, "com.add");
  REQUIRE(error[4] == "wamp.error.not_authorized");
  REQUIRE(
      error[5][0].get<std::string>().ends_with("is not authorized to register procedure \"com.add\" on realm "
                                               "\"realm1\""));
  REQUIRE(realm.denials.size() == 3);
  REQUIRE(callee.waiting() == 0);
}

TEST_CASE("procedures beginning with wamp. are for the router to register") {
  TestRealm realm;
  auto& client = realm.join();
  const json error = register_error(client, "wamp.session.count");
  REQUIRE(error[4] == "wamp.error.invalid_uri");
  auto& trusted = realm.join(0, "router", "trusted");
  register_(trusted, "wamp.session.count");
  client.call("wamp.session.count");
  REQUIRE(trusted.take()[3]["caller"] == client.id());
}

TEST_CASE("invalid procedure URIs are refused") {
  TestRealm realm;
  auto& client = realm.join();
  REQUIRE(register_error(client, "com..x")[5] ==
          json::array({"register for invalid procedure URI 'com..x' (URI strict checking False)"}));
  client.send(R"([48,2,{},"com x"])");
  REQUIRE(client.take() == json::array({8,
                                        48,
                                        2,
                                        json::object(),
                                        "wamp.error.invalid_uri",
                                        {"call with invalid procedure URI 'com x' (URI strict checking False)"}}));
}

TEST_CASE("a second answer to an invocation is passed over; an answer to none is a protocol violation") {
  TestRealm realm;
  auto& callee = realm.join();
  auto& caller = realm.join();
  register_(callee, "com.add");
  caller.call("com.add");
  REQUIRE(callee.send("[70,1,{}]").empty());
  caller.last();
  REQUIRE(callee.send("[70,1,{}]").empty());
  REQUIRE(callee.send(R"([8,68,1,{},"com.error"])").empty());
  REQUIRE(caller.waiting() == 0);
  REQUIRE_FALSE(callee.send("[70,2,{}]").empty());
  REQUIRE_FALSE(callee.send(R"([8,68,2,{},"com.error"])").empty());
  REQUIRE_FALSE(caller.send("[70,1,{}]").empty());
}

TEST_CASE("calls under way fail with wamp.error.canceled when their callee leaves") {
  TestRealm realm;
  auto& callee = realm.join();
  auto& caller = realm.join();
  register_(callee, "com.add");
  caller.send(R"([48,7,{},"com.add"])");
  callee.leave();
  REQUIRE(
      caller.take() ==
      json::array({8, 48, 7, json::object(), "wamp.error.canceled", {"callee disconnected from in-flight request"}}));
  caller.send(R"([48,8,{},"com.add"])");
  REQUIRE(caller.take()[4] == "wamp.error.no_such_procedure");
}

TEST_CASE("an answer for a caller that has left is passed over") {
  TestRealm realm;
  auto& callee = realm.join();
  auto& caller = realm.join();
  register_(callee, "com.add");
  caller.send(R"([48,7,{},"com.add"])");
  caller.leave();
  auto& newcomer = realm.join();  // gets the place of the one that left, but not its answers
  REQUIRE(callee.send("[70,1,{},[1]]").empty());
  REQUIRE(newcomer.waiting() == 0);
}

TEST_CASE("an undeliverable invocation fails the call") {
  TestRealm realm;
  auto& callee = realm.join();
  auto& caller = realm.join();
  register_(callee, "com.add");
  caller.send(R"([48,7,{},"com.add"])");
  crosspoint::realm::Outbox out;
  realm.realm().shard(0).invocation_undelivered(callee.session(), 1, "wamp.error.unavailable", "busy", out);
  REQUIRE(out.items().size() == 1);
  const auto& error = std::get<crosspoint::wamp::Error>(out.items()[0].message);
  REQUIRE(out.items()[0].to == &caller.session());
  REQUIRE(error.request == 7);
  REQUIRE(error.error == "wamp.error.unavailable");
}

TEST_CASE("a session that leaves with a call to itself under way is sent nothing") {
  TestRealm realm;
  auto& client = realm.join();
  register_(client, "com.self");
  client.send(R"([48,10,{},"com.self"])");
  const auto received = client.waiting();
  client.leave();
  REQUIRE(client.waiting() == received);
}
