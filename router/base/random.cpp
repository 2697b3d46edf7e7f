#include "base/random.hpp"

#include <sys/random.h>

#include <cerrno>
#include <system_error>

namespace crosspoint::base {

Random::Random(std::uint64_t seed) {
  for (auto& word : state_) {  // splitmix64, as its authors advise for seeding
    seed += 0x9e3779b97f4a7c15;
    std::uint64_t mixed = seed;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    word = mixed ^ (mixed >> 31);
  }
}

Random Random::from_system() {
  std::uint64_t seed = 0;
  fill_secure_random(&seed, sizeof seed);
  return Random(seed);
}

void fill_secure_random(void* out, std::uint64_t size) {
  auto* position = static_cast<unsigned char*>(out);
  while (size > 0) {
    const ssize_t got = ::getrandom(position, size, 0);
    if (got < 0) {
      if (errno == EINTR) continue;
      throw std::system_error(errno, std::generic_category(), "getrandom");
    }
    position += got;
    size -= static_cast<std::uint64_t>(got);
  }
}

}  // namespace crosspoint::base
