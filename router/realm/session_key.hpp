#pragma once

#include <cstdint>

namespace crosspoint::realm {

/// In place of a shard: what lives on another node of the cluster. Slot and generation are then a number that the
/// realm's ClusterPort has given it.
inline constexpr std::uint32_t kOtherNode = 64;

/// Where a session lives: enough to find it again without a search, and to notice that it is gone.
struct SessionKey {
  std::uint32_t shard = 0;
  std::uint32_t slot = 0;
  /// Counts the sessions that had the slot; 0 names none.
  std::uint32_t generation = 0;

  friend bool operator==(const SessionKey&, const SessionKey&) = default;
};

}  // namespace crosspoint::realm
