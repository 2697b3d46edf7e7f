#include "realm/meta_cluster.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using crosspoint::realm::Merge;
using crosspoint::realm::merge_answers;
using crosspoint::realm::needs_others;
using crosspoint::realm::NodeAnswer;
using nlohmann::json;

namespace {

const NodeAnswer kNoSession{"x", "wamp.error.no_such_session", "no session"};
const NodeAnswer kNoSubscription{"x", "wamp.error.no_such_subscription", "no subscription"};
const NodeAnswer kWrong{"x", "wamp.error.invalid_argument", "wrong"};

NodeAnswer good(std::string text, std::string node = "a") { return {std::move(node), "", std::move(text)}; }

/// The merged result, or the error's URI as a string.
json merged(Merge merge, const NodeAnswer& own, const std::vector<NodeAnswer>& others) {
  const NodeAnswer answer = merge_answers(merge, own, others);
  return answer.error.empty() ? json::parse(answer.text) : json(answer.error);
}

}  // namespace

TEST_CASE("numbers are added and lists put together, whoever does not know the thing") {
  REQUIRE(merged(Merge::sum, good("1"), {good("2"), good("39")}) == 42);
  REQUIRE(merged(Merge::sum, kNoSubscription, {good("2"), kNoSubscription}) == 2);
  REQUIRE(merged(Merge::sum, kNoSubscription, {kNoSubscription}) == "wamp.error.no_such_subscription");
  REQUIRE(merged(Merge::sum, kWrong, {good("2")}) == "wamp.error.invalid_argument");
  REQUIRE(merged(Merge::ids, good("[5,1]"), {good("[]"), good("[3,1]")}) == json{1, 3, 5});
  REQUIRE(merged(Merge::ids, kNoSubscription, {good("[3,2]")}) == json{2, 3});
  REQUIRE(merged(Merge::matches, good("[5,1]"), {good("null"), good("[3,1]")}) == json{5, 1, 3});
  REQUIRE(merged(Merge::matches, good("null"), {good("null")}) == nullptr);
  REQUIRE(merged(Merge::lists, good(R"({"exact":[4],"prefix":[],"wildcard":[1]})"),
                 {good(R"({"exact":[2,4],"prefix":[3],"wildcard":[]})")}) ==
          json{{"exact", {2, 4}}, {"prefix", {3}}, {"wildcard", {1}}});
}

TEST_CASE("what is about one session is answered where that is") {
  REQUIRE(merged(Merge::session, good("1"), {}) == 1);
  REQUIRE(merged(Merge::session, kNoSession, {kNoSession, good("null")}) == nullptr);
  REQUIRE(merged(Merge::session, kNoSession, {kNoSession}) == "wamp.error.no_such_session");
  REQUIRE(merged(Merge::session, kNoSession, {kNoSession, kWrong}) == "wamp.error.invalid_argument");
  REQUIRE(merged(Merge::session, kNoSession, {{"c", "wamp.error.no_such_realm", ""}}) == "wamp.error.no_such_session");
  REQUIRE(merged(Merge::value, good("null"), {good("null"), good("7"), good("8")}) == 7);
  REQUIRE(merged(Merge::value, good("null"), {}) == nullptr);
}

TEST_CASE("the details of a subscription name the nodes that have it and the oldest time") {
  const auto details = [](const char* created) { return json{{"id", 1}, {"created", created}}.dump(); };
  const json expected{{"id", 1}, {"created", "2026-01"}, {"nodes", {"a", "c"}}};
  REQUIRE(merged(Merge::details, good(details("2026-02"), "c"), {kNoSubscription, good(details("2026-01"), "a")}) ==
          expected);
  REQUIRE(merged(Merge::details, kNoSubscription, {good(details("2026-01"), "c"), good(details("2026-02"), "a")}) ==
          expected);
  REQUIRE(merged(Merge::details, good(details("2026-01")), {}) ==
          json{{"id", 1}, {"created", "2026-01"}, {"nodes", {"a"}}});
}

TEST_CASE("answers of other nodes that are none are passed over") {
  for (const std::string bad :
       {"", "[", "{", "[[]]", "{\"exact\":1}", "-1", "1.5", "\"x\"", "null", "[null,-1,\"2\",[]]"}) {
    REQUIRE(merged(Merge::sum, good("1"), {good(bad)}) == 1);
    REQUIRE(merged(Merge::ids, good("[1]"), {good(bad)}) == json{1});
    REQUIRE(merged(Merge::matches, good("[1]"), {good(bad)}) == json{1});
    REQUIRE(merged(Merge::lists, good(R"({"exact":[1],"prefix":[],"wildcard":[]})"), {good(bad)})["exact"] == json{1});
    REQUIRE(merged(Merge::details, good(R"({"created":"2026"})"), {good(bad)})["created"] == "2026");
    merged(Merge::details, kNoSubscription, {good(bad), good(bad)});
  }
  REQUIRE(merged(Merge::session, kNoSession, {good(std::string(100000, '['))}) == "wamp.error.no_such_session");
}

TEST_CASE("other nodes are asked only if they may have more to say") {
  REQUIRE(needs_others(Merge::sum, good("1")));
  REQUIRE(needs_others(Merge::ids, kNoSubscription));
  REQUIRE_FALSE(needs_others(Merge::ids, kWrong));
  REQUIRE(needs_others(Merge::session, kNoSession));
  REQUIRE_FALSE(needs_others(Merge::session, kNoSubscription));
  REQUIRE_FALSE(needs_others(Merge::session, good("null")));
  REQUIRE(needs_others(Merge::value, good("null")));
  REQUIRE_FALSE(needs_others(Merge::value, good("7")));
  REQUIRE_FALSE(needs_others(Merge::none, good("7")));
}
