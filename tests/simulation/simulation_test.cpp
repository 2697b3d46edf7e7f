#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>

#include <cstdlib>
#include <string>

#include "base/hash.hpp"
#include "simulation/simulation.hpp"

// SIMULATION_SEED=n runs one seed and says each step; SIMULATION_SEEDS=n sets how many there are.

namespace {

std::uint64_t number_from(const char* variable, std::uint64_t fallback) {
  const char* text = std::getenv(variable);
  return text != nullptr ? std::stoull(text) : fallback;
}

}  // namespace

TEST_CASE("the routing core keeps WAMP's promises in every order of events (Ordering Guarantees)") {
  crosspoint::base::fix_hash_key(1);
  if (const std::uint64_t seed = number_from("SIMULATION_SEED", 0); seed != 0) {
    REQUIRE_NOTHROW(crosspoint::simulation::Simulation(seed, true).run());
    return;
  }
  const std::uint64_t seeds = number_from("SIMULATION_SEEDS", 10000);
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    try {
      crosspoint::simulation::Simulation(seed).run();
    } catch (const std::exception& error) {
      FAIL(error.what() << "\nagain, step by step: SIMULATION_SEED=" << seed << " simulation_tests");
    }
  }
}
