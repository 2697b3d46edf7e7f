#pragma once

#include <cstdint>
#include <vector>

namespace crosspoint::bench {

/// What processes have used so far. CPU time is read from the kernel's per-process clock, which counts nanoseconds;
/// /proc/PID/stat has the same figure in hundredths of a second, too coarse for short runs. Memory is read from /proc.
struct Usage {
  double cpu_seconds = 0;
  std::uint64_t resident_bytes = 0;
};

bool process_exists(int pid);

/// The sum over `pids`. Throws Failure if one of them has ended.
Usage usage_of(const std::vector<int>& pids);

/// CPU time of this process.
double own_cpu_seconds();

}  // namespace crosspoint::bench
