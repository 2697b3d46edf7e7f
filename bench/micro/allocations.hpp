#pragma once

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>

namespace crosspoint::bench {

/// Calls of operator new in this process so far; allocations.cpp replaces the global operators to count them.
std::uint64_t allocations();

/// Lives for as long as a benchmark's loop and reports `allocs`, the allocations per iteration, and, if an iteration
/// works through `bytes`, the throughput.
class AllocationCounter {
 public:
  explicit AllocationCounter(benchmark::State& state, std::size_t bytes = 0)
      : state_(state), bytes_(bytes), before_(allocations()) {}
  AllocationCounter(const AllocationCounter&) = delete;
  AllocationCounter& operator=(const AllocationCounter&) = delete;
  ~AllocationCounter() {
    const auto count = static_cast<double>(allocations() - before_);
    state_.counters["allocs"] = benchmark::Counter(count, benchmark::Counter::kAvgIterations);
    if (bytes_ > 0) state_.SetBytesProcessed(state_.iterations() * static_cast<std::int64_t>(bytes_));
  }

 private:
  benchmark::State& state_;
  const std::size_t bytes_;
  const std::uint64_t before_;
};

}  // namespace crosspoint::bench
