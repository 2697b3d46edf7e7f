#include <catch2/catch.hpp>

#include "realm/permissions.hpp"

using namespace crosspoint::realm;
using crosspoint::settings::Match;
using crosspoint::settings::Permission;

namespace {

/// `allowed` is a word of c, r, p, s.
Permission rule(std::string uri, Match match, const std::string& allowed) {
  Permission permission;
  permission.uri = std::move(uri);
  permission.match = match;
  permission.call = allowed.find('c') != std::string::npos;
  permission.register_ = allowed.find('r') != std::string::npos;
  permission.publish = allowed.find('p') != std::string::npos;
  permission.subscribe = allowed.find('s') != std::string::npos;
  return permission;
}

std::string allowed(const Authorizer& authorizer, const std::string& uri) {
  std::string letters;
  if (authorizer.decide(uri, Action::call).allow) letters += 'c';
  if (authorizer.decide(uri, Action::register_).allow) letters += 'r';
  if (authorizer.decide(uri, Action::publish).allow) letters += 'p';
  if (authorizer.decide(uri, Action::subscribe).allow) letters += 's';
  return letters;
}

}  // namespace

TEST_CASE("no rules allow nothing; a prefix rule for the empty URI covers everything") {
  REQUIRE(allowed(*make_static_authorizer({}), "com.x") == "");
  const auto all = make_static_authorizer({rule("", Match::prefix, "crps")});
  REQUIRE(allowed(*all, "com.x") == "crps");
  REQUIRE(allowed(*all, "") == "crps");
}

TEST_CASE("a prefix is a prefix of the text, not of components") {
  const auto roles = make_static_authorizer({rule("workshop.", Match::prefix, "p"), rule("club", Match::prefix, "s")});
  REQUIRE(allowed(*roles, "workshop.x") == "p");
  REQUIRE(allowed(*roles, "workshop") == "");
  REQUIRE(allowed(*roles, "club2") == "s");
}

TEST_CASE("one rule decides: exact, else wildcard, else the longest prefix; rules are not merged") {
  const auto roles = make_static_authorizer({
      rule("workshop.", Match::prefix, "r"),
      rule("workshop.chat.", Match::prefix, "s"),
      rule("workshop.chat.secret", Match::exact, ""),
      rule("workshop..private", Match::wildcard, "c"),
  });
  REQUIRE(allowed(*roles, "workshop.x") == "r");
  REQUIRE(allowed(*roles, "workshop.chat.x") == "s");
  REQUIRE(allowed(*roles, "workshop.chat.secret") == "");
  REQUIRE(allowed(*roles, "workshop.chat.private") == "c");
}

TEST_CASE("what Crossbar gets wrong is right, unless compat asks for Crossbar's way") {
  const std::vector<Permission> shadow{rule("a.", Match::prefix, "c"), rule("a.b", Match::exact, "p")};
  REQUIRE(allowed(*make_static_authorizer(shadow), "a.bc") == "c");
  REQUIRE(allowed(*make_crossbar_authorizer(shadow), "a.bc") == "");
  const std::vector<Permission> edge{rule(".foo", Match::wildcard, "c")};
  REQUIRE(allowed(*make_static_authorizer(edge), "x.foo") == "c");
  REQUIRE(allowed(*make_crossbar_authorizer(edge), "x.foo") == "");
  const std::vector<Permission> tails{rule("a..c", Match::wildcard, "c"), rule("a..d", Match::wildcard, "p")};
  REQUIRE(allowed(*make_static_authorizer(tails), "a.x.c") == "c");
  REQUIRE(allowed(*make_static_authorizer(tails), "a.x.d") == "p");
  REQUIRE(allowed(*make_crossbar_authorizer(tails), "a.x.c") == "");
  REQUIRE(allowed(*make_crossbar_authorizer(tails), "a.x.d") == "p");
}

TEST_CASE("both ways agree on the usual rules") {
  const std::vector<Permission> rules{rule("", Match::prefix, "s"), rule("com.", Match::prefix, "ps"),
                                      rule("com.x", Match::exact, "c"), rule("com..y", Match::wildcard, "r")};
  const auto correct = make_static_authorizer(rules);
  const auto crossbar = make_crossbar_authorizer(rules);
  for (const char* uri : {"", "com", "com.a", "com.x", "com.a.y", "com.a.z", "org"}) {
    INFO(uri);
    REQUIRE(allowed(*correct, uri) == allowed(*crossbar, uri));
  }
  REQUIRE(allowed(*correct, "com.a.y") == "r");
  REQUIRE(allowed(*correct, "org") == "s");
}

TEST_CASE("a later rule for the same URI and policy takes the place of an earlier one") {
  const auto roles = make_static_authorizer({rule("a", Match::exact, "c"), rule("a", Match::exact, "p")});
  REQUIRE(allowed(*roles, "a") == "p");
}

TEST_CASE("disclosure follows the action") {
  Permission permission = rule("a", Match::exact, "crps");
  permission.disclose_caller = true;
  const auto caller = make_static_authorizer({permission});
  REQUIRE(caller->decide("a", Action::call).disclose);
  REQUIRE_FALSE(caller->decide("a", Action::publish).disclose);
  permission.disclose_caller = false;
  permission.disclose_publisher = true;
  const auto publisher = make_static_authorizer({permission});
  REQUIRE_FALSE(publisher->decide("a", Action::call).disclose);
  REQUIRE(publisher->decide("a", Action::publish).disclose);
}

TEST_CASE("calls and publications have the trust level of the rule that allows them") {
  auto first = rule("a.", Match::prefix, "cp");
  first.trustlevel = 1;
  auto second = rule("a.b", Match::exact, "cp");
  second.trustlevel = 5;
  const auto third = rule("c.", Match::prefix, "cp");
  for (const auto& authorizer :
       {make_static_authorizer({first, second, third}), make_crossbar_authorizer({first, second, third})}) {
    for (const auto action : {Action::call, Action::publish}) {
      REQUIRE(authorizer->decide("a.x", action).trustlevel == 1);
      REQUIRE(authorizer->decide("a.b", action).trustlevel == 5);
      REQUIRE(authorizer->decide("c.x", action).trustlevel == crosspoint::wamp::kNoTrustLevel);
    }
  }
}
