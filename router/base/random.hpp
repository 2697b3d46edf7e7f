#pragma once

#include <cstdint>

namespace crosspoint::base {

/// A fast generator for ids (xoshiro256++, public domain algorithm by Blackman and Vigna). Not for secrets. The same
/// seed gives the same sequence, which simulations rely on. Belongs to one thread.
class Random {
 public:
  explicit Random(std::uint64_t seed);
  /// Seeded from the operating system.
  static Random from_system();

  std::uint64_t next() {
    const std::uint64_t result = rotate(state_[0] + state_[3], 23) + state_[0];
    const std::uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = rotate(state_[3], 45);
    return result;
  }

  /// Uniform in [0, bound); bound > 0.
  std::uint64_t below(std::uint64_t bound) {
    return static_cast<std::uint64_t>((static_cast<unsigned __int128>(next()) * bound) >> 64);
  }

 private:
  static std::uint64_t rotate(std::uint64_t value, int by) { return (value << by) | (value >> (64 - by)); }
  std::uint64_t state_[4];
};

/// Fills `size` bytes with randomness fit for secrets and nonces.
void fill_secure_random(void* out, std::uint64_t size);

}  // namespace crosspoint::base
