#include "base/hash.hpp"

#include <atomic>

#include "base/random.hpp"

namespace crosspoint::base {
namespace {

std::atomic<std::uint64_t> fixed_key{0};

}  // namespace

std::uint64_t hash_key() {
  if (const std::uint64_t key = fixed_key.load(); key != 0) return key;
  static const std::uint64_t random_key = Random::from_system().next();
  return random_key;
}

void fix_hash_key(std::uint64_t key) { fixed_key.store(key); }

}  // namespace crosspoint::base
