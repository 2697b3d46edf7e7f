#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace crosspoint::base {

/// The key of StringHash: random per process, so that nobody outside can choose strings that collide.
std::uint64_t hash_key();
/// Fixes the key, before the first use of it, so that a simulation replays exactly.
void fix_hash_key(std::uint64_t key);

/// Hash of strings that peers choose, for hash tables with lookup by std::string_view: multiply and fold 16 bytes at
/// a time under a secret key.
struct StringHash {
  using is_transparent = void;

  std::size_t operator()(std::string_view text) const {
    static const std::uint64_t key = hash_key();
    std::uint64_t state = key ^ fold(text.size() ^ kFirst, key | 1);
    const char* at = text.data();
    std::size_t left = text.size();
    for (; left > 16; at += 16, left -= 16) state = fold(read(at, 8) ^ kFirst ^ key, read(at + 8, 8) ^ state);
    if (left > 8) {
      state = fold(read(at, 8) ^ kFirst ^ key, read(at + left - 8, 8) ^ state);
    } else {
      state = fold(read(at, left) ^ kSecond ^ key, state);
    }
    return fold(state ^ kFirst, kSecond);
  }

 private:
  static constexpr std::uint64_t kFirst = 0xa0761d6478bd642f;
  static constexpr std::uint64_t kSecond = 0xe7037ed1a0b428db;

  static std::uint64_t read(const char* at, std::size_t size) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, size);
    return word;
  }
  static std::uint64_t fold(std::uint64_t a, std::uint64_t b) {
    const auto product = static_cast<unsigned __int128>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  }
};

/// Hash of numbers that peers choose, under the same key.
struct NumberHash {
  std::size_t operator()(std::uint64_t number) const {
    static const std::uint64_t key = hash_key();
    const auto product = static_cast<unsigned __int128>(number ^ key) * 0x9e3779b97f4a7c15;
    return static_cast<std::size_t>(product) ^ static_cast<std::size_t>(product >> 64);
  }
};

}  // namespace crosspoint::base
