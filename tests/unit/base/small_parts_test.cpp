#include <catch2/catch.hpp>

#include <array>
#include <set>
#include <string>

#include "base/chunk.hpp"
#include "base/hash.hpp"
#include "base/log.hpp"
#include "base/random.hpp"

using namespace crosspoint;

TEST_CASE("equal seeds give equal sequences, others do not") {
  base::Random one(5);
  base::Random two(5);
  base::Random other(6);
  for (int i = 0; i < 100; ++i) {
    const auto number = one.next();
    REQUIRE(number == two.next());
    REQUIRE(number != other.next());
  }
}

TEST_CASE("below() is in range and reaches every value") {
  base::Random random(1);
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(random.below(7));
  REQUIRE(seen == std::set<std::uint64_t>{0, 1, 2, 3, 4, 5, 6});
}

TEST_CASE("a generator seeded from the system differs from every other") {
  REQUIRE(base::Random::from_system().next() != base::Random::from_system().next());
}

TEST_CASE("below() favours no value") {
  base::Random random(2);
  std::array<int, 10> counts{};
  for (int i = 0; i < 10000; ++i) ++counts[random.below(10)];
  for (const int count : counts) REQUIRE((count > 800 && count < 1200));
}

TEST_CASE("randomness fit for secrets fills what it is given, and not a byte more") {
  std::array<unsigned char, 66> bytes{};
  base::fill_secure_random(bytes.data() + 1, 64);
  REQUIRE(bytes.front() == 0);
  REQUIRE(bytes.back() == 0);
  REQUIRE(std::set<unsigned char>(bytes.begin(), bytes.end()).size() > 20);
  base::fill_secure_random(bytes.data(), 0);
  REQUIRE(bytes.front() == 0);
}

TEST_CASE("StringHash tells texts apart that differ in one byte or in length") {
  const base::StringHash hash;
  std::set<std::size_t> seen;
  std::string text;
  for (int length = 0; length < 70; ++length) {
    seen.insert(hash(text));
    for (std::size_t i = 0; i < text.size(); ++i) {
      std::string changed = text;
      changed[i] = 'b';
      seen.insert(hash(changed));
    }
    text += 'a';
  }
  REQUIRE(seen.size() == 70 + 70 * 69 / 2);
}

TEST_CASE("NumberHash spreads numbers that differ in high bits only") {
  const base::NumberHash hash;
  std::set<std::size_t> low;
  for (std::uint64_t i = 0; i < 256; ++i) low.insert(hash(i << 40) & 0xffff);
  REQUIRE(low.size() > 200);
}

TEST_CASE("a chunk has the room asked for and keeps its bytes while anybody refers to it") {
  base::ChunkRef copy;
  {
    const auto chunk = base::ChunkRef::copy_of(base::as_bytes("text"));
    copy = chunk;
    REQUIRE_FALSE(copy.unique());
  }
  REQUIRE(copy.unique());
  REQUIRE(base::as_text({copy->data(), copy->size()}) == "text");
  for (const std::size_t size : {std::size_t{1}, std::size_t{2016}, std::size_t{2017}, std::size_t{100000}}) {
    REQUIRE(base::ChunkRef::make(size)->room() >= size);
  }
  REQUIRE_THROWS_AS(base::ChunkRef::make(base::Chunk::kMaxCapacity + 1), std::bad_alloc);
}

TEST_CASE("log levels are read by their names") {
  log::Level level{};
  REQUIRE(log::parse_level("debug", level));
  REQUIRE(level == log::Level::debug);
  REQUIRE_FALSE(log::parse_level("loud", level));
  REQUIRE_FALSE(log::enabled(log::Level::error));  // nothing is logged before it is started
}
