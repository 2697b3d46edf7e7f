#include "gateway/identity_turns.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

using crosspoint::gateway::IdentityTurns;
using Log = std::vector<std::string>;

TEST_CASE("what is asked about an identity while it is registered waits, in order; others do not") {
  IdentityTurns turns;
  Log log;
  const auto ask = [&](const std::string& identity, const std::string& what) {
    turns.run(identity, [&log, what] { log.push_back(what); });
  };
  const auto enter = [&](const std::string& identity, const std::string& what) {
    turns.run(identity, [&turns, &log, identity, what] {
      log.push_back(what);
      turns.begin(identity);
    });
  };
  ask("ann", "a1");
  enter("ann", "a2");
  ask("ann", "a3");
  enter("ann", "a4");
  ask("ann", "a5");
  ask("bob", "b1");
  REQUIRE(log == Log{"a1", "a2", "b1"});
  REQUIRE(turns.waiting() == 3);
  turns.end("ann");
  REQUIRE(log == Log{"a1", "a2", "b1", "a3", "a4"});
  ask("ann", "a6");
  turns.end("ann");
  REQUIRE(log == Log{"a1", "a2", "b1", "a3", "a4", "a5", "a6"});
  REQUIRE(turns.waiting() == 0);
  ask("ann", "a7");
  REQUIRE(log.back() == "a7");
}

TEST_CASE("a hundred thousand registrations that end at once, and tasks that ask again, do not fill the stack") {
  IdentityTurns turns;
  constexpr int kMany = 100'000;
  std::vector<int> order;
  turns.run("ann", [&] { turns.begin("ann"); });
  for (int i = 0; i < kMany; ++i) {
    turns.run("ann", [&, i] {
      turns.begin("ann");
      order.push_back(i);
      if (i == 5) turns.run("ann", [&order] { order.push_back(-1); });
      turns.end("ann");
    });
  }
  turns.end("ann");
  REQUIRE(order.size() == kMany + 1);
  REQUIRE(order[kMany - 1] == kMany - 1);
  REQUIRE(order.back() == -1);
  REQUIRE(turns.waiting() == 0);
}
