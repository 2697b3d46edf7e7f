#pragma once

#include <cmath>
#include <cstdint>

namespace crosspoint::serializers {

/// A double that holds a whole number from 0 to 2^53 as that number; false for any other.
inline bool to_integer(double value, std::uint64_t& out) {
  if (!(value >= 0 && value <= 9007199254740992.0) || value != std::floor(value)) return false;
  out = static_cast<std::uint64_t>(value);
  return true;
}

}  // namespace crosspoint::serializers
