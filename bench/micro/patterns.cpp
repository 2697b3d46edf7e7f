#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "micro/allocations.hpp"
#include "realm/pattern_index.hpp"

/// Finding what matches a URI among 10, 1,000 and 100,000 patterns. Each URI looked up matches one of them.
namespace crosspoint::bench {
namespace {

using wamp::Match;

constexpr std::int64_t kMost = 100'000;
/// URIs looked up in turn, so that branch prediction does not know the answer. The places they lead to stay in the
/// caches, as those of busy topics do.
constexpr std::size_t kUris = 1024;

std::string device(std::size_t number) { return "device" + std::to_string(number); }

std::string pattern(Match match, std::size_t number) {
  switch (match) {
    case Match::prefix:
      return "com.example.house." + device(number) + ".";
    case Match::wildcard:
      return "com.example.." + device(number) + ".";
    default:
      return "com.example.house." + device(number) + ".temperature";
  }
}

struct Index {
  Index(Match match, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) patterns.insert(pattern(match, i), match, i);
    for (std::size_t i = 0; i < kUris; ++i) uris.push_back(pattern(Match::exact, i * 7919 % count));
  }
  realm::PatternIndex<std::size_t> patterns;
  std::vector<std::string> uris;
};

/// What a PUBLISH does: all that match.
void match_all(benchmark::State& state, Match match) {
  const Index index(match, static_cast<std::size_t>(state.range(0)));
  std::size_t i = 0;
  std::size_t found = 0;
  {
    const AllocationCounter counter(state);
    for (auto _ : state) {
      index.patterns.each_match(index.uris[i++ % kUris], [&found](std::size_t) { ++found; });
    }
  }
  if (found != static_cast<std::size_t>(state.iterations())) state.SkipWithError("not one match each");
}

/// What a CALL does: the best one.
void match_best(benchmark::State& state, Match match) {
  const Index index(match, static_cast<std::size_t>(state.range(0)));
  std::size_t i = 0;
  const AllocationCounter counter(state);
  for (auto _ : state) {
    const std::size_t* value = index.patterns.best_match(index.uris[i++ % kUris]);
    if (value == nullptr) return state.SkipWithError("no match");
    benchmark::DoNotOptimize(value);
  }
}

BENCHMARK_CAPTURE(match_all, exact, Match::exact)->Arg(10)->Arg(1000)->Arg(kMost);
BENCHMARK_CAPTURE(match_all, prefix, Match::prefix)->Arg(10)->Arg(1000)->Arg(kMost);
BENCHMARK_CAPTURE(match_all, wildcard, Match::wildcard)->Arg(10)->Arg(1000)->Arg(kMost);
BENCHMARK_CAPTURE(match_best, exact, Match::exact)->Arg(10)->Arg(1000)->Arg(kMost);
BENCHMARK_CAPTURE(match_best, prefix, Match::prefix)->Arg(10)->Arg(1000)->Arg(kMost);
BENCHMARK_CAPTURE(match_best, wildcard, Match::wildcard)->Arg(10)->Arg(1000)->Arg(kMost);

}  // namespace
}  // namespace crosspoint::bench
