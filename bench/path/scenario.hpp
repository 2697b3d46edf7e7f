#pragma once

#include <cstdint>
#include <functional>

#include "path/peer.hpp"

/// The scenarios of routed_messages. Each makes a router and its clients, runs its rounds and says what they have cost;
/// whatever does not arrive ends the program.
namespace crosspoint::bench {

/// What the rounds of a scenario have cost. The first rounds, which fill caches and pools, do not count.
struct Cost {
  std::size_t messages = 0;
  std::uint64_t allocations = 0;
  double cpu_seconds = 0;
};

/// One round; returns how many messages have been routed.
using Round = std::function<std::size_t()>;

/// Runs `round` until everything has its size, and then a fixed number of times, unless only the warm-up is asked for.
Cost measure(InProcessRouter& router, const Round& round, bool warm_up_only);

/// Ends the program if it is false.
void require(bool condition, const char* what);

/// A publisher and 100 subscribers of its topic; counts events.
Cost fan_out(Format publisher, Format subscriber, bool warm_up_only);
/// Four callers and a callee; counts calls.
Cost calls(Format caller, Format callee, bool warm_up_only);
/// A subscriber with so many subscriptions, a third each of exact topics, prefixes and wildcards. Each publication
/// matches one of each; counts publications. Those before have been of other topics.
Cost patterns(std::size_t subscriptions, bool warm_up_only);

}  // namespace crosspoint::bench
