#include "load/process_usage.hpp"

#include <signal.h>
#include <sys/types.h>
#include <time.h>

#include <cerrno>
#include <fstream>
#include <string>

#include "load/failure.hpp"

namespace crosspoint::bench {
namespace {

double seconds(const timespec& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

/// The figure behind `name` in a file of lines like "Rss:   1234 kB"; 0 if there is none.
std::uint64_t read_kib(const std::string& file, const std::string& name) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with(name)) return std::stoull(line.substr(name.size()));
  }
  return 0;
}

std::uint64_t resident_bytes(int pid) {
  const std::string directory = "/proc/" + std::to_string(pid);
  // The sum over the page tables is exact; `status` gives what the threads have reported so far. But only the
  // process's owner may read the former.
  std::uint64_t kib = read_kib(directory + "/smaps_rollup", "Rss:");
  if (kib == 0) kib = read_kib(directory + "/status", "VmRSS:");
  return kib * 1024;
}

}  // namespace

bool process_exists(int pid) { return pid > 0 && (::kill(pid, 0) == 0 || errno == EPERM); }

Usage usage_of(const std::vector<int>& pids) {
  Usage usage;
  for (const int pid : pids) {
    clockid_t clock{};
    timespec time{};
    if (::clock_getcpuclockid(pid, &clock) != 0 || ::clock_gettime(clock, &time) != 0) {
      throw Failure("process " + std::to_string(pid) + " has ended");
    }
    usage.cpu_seconds += seconds(time);
    usage.resident_bytes += resident_bytes(pid);
  }
  return usage;
}

double own_cpu_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return seconds(time);
}

}  // namespace crosspoint::bench
