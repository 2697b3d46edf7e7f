#include "path/scenario.hpp"

#include <fmt/core.h>

#include <cstdlib>

namespace crosspoint::bench {
namespace {

constexpr std::size_t kWarmUp = 8;
constexpr std::size_t kRounds = 40;

}  // namespace

void require(bool condition, const char* what) {
  if (condition) return;
  fmt::print(stderr, "routed_messages: {}\n", what);
  std::exit(1);
}

Cost measure(InProcessRouter& router, const Round& round, bool warm_up_only) {
  for (std::size_t i = 0; i < kWarmUp; ++i) round();
  router.reset();
  Cost cost;
  for (std::size_t i = 0; !warm_up_only && i < kRounds; ++i) cost.messages += round();
  cost.allocations = router.allocations();
  cost.cpu_seconds = router.cpu_seconds();
  return cost;
}

}  // namespace crosspoint::bench
