#include "realm/permissions.hpp"

#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "micro/allocations.hpp"

/// One decision of a role's rules, as it is made for each message whose answer the session does not remember.
namespace crosspoint::bench {
namespace {

using settings::Match;

constexpr std::size_t kUris = 256;

/// Rules of all three kinds in turn; the first one is a prefix.
std::vector<settings::Permission> rules(std::size_t count) {
  std::vector<settings::Permission> list;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string name = "module" + std::to_string(i);
    settings::Permission rule;
    rule.match = i % 3 == 0 ? Match::prefix : i % 3 == 1 ? Match::exact : Match::wildcard;
    rule.uri = i % 3 == 0 ? "com." + name + "." : i % 3 == 1 ? "com." + name + ".save" : "com." + name + "..save";
    rule.call = rule.publish = true;
    list.push_back(std::move(rule));
  }
  return list;
}

void decide(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  const auto authorizer = realm::make_static_authorizer(rules(count));
  std::vector<std::string> uris;
  for (std::size_t i = 0; i < kUris; ++i) {
    const std::size_t number = i * 7919 % count;
    uris.push_back("com.module" + std::to_string(number) + (number % 3 == 2 ? ".form.save" : ".save"));
  }
  std::size_t i = 0;
  const AllocationCounter counter(state);
  for (auto _ : state) {
    const auto decision = authorizer->decide(uris[i++ % kUris], realm::Action::call);
    if (!decision.allow) return state.SkipWithError("not allowed");
    benchmark::DoNotOptimize(decision);
  }
}

BENCHMARK(decide)->Arg(1)->Arg(1000);

}  // namespace
}  // namespace crosspoint::bench
