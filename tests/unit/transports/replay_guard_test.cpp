#include <catch2/catch.hpp>

#include "transports/web/replay_guard.hpp"

using namespace std::chrono_literals;
using crosspoint::transports::web::ReplayGuard;
using Verdict = ReplayGuard::Verdict;

namespace {

const ReplayGuard::Time kStart{std::chrono::seconds(1'700'000'000)};

}  // namespace

TEST_CASE("a signed request is admitted once, as long as its timestamp is good") {
  ReplayGuard guard(300s);
  for (const auto offset : {-300s, -1s, 0s, 300s}) {
    const auto digest = static_cast<std::uint64_t>(1000 + offset.count());
    REQUIRE(guard.admit(digest, kStart + offset, kStart) == Verdict::fresh);
    REQUIRE(guard.admit(digest, kStart + offset, kStart) == Verdict::replayed);
    // Up to the last moment in which the timestamp would pass.
    REQUIRE(guard.admit(digest, kStart + offset, kStart + offset + 300s) == Verdict::replayed);
  }
  REQUIRE(guard.admit(5, kStart, kStart) == Verdict::fresh);
}

TEST_CASE("requests whose timestamps have run out are forgotten") {
  ReplayGuard guard(8s, 100);
  for (std::uint64_t i = 0; i < 1000; ++i) {
    REQUIRE(guard.admit(i, kStart + std::chrono::seconds(i), kStart + std::chrono::seconds(i)) == Verdict::fresh);
    REQUIRE(guard.size() <= 12);
  }
}

TEST_CASE("a full memory refuses what is new instead of forgetting what is old") {
  ReplayGuard guard(300s, 10);
  for (std::uint64_t i = 0; i < 10; ++i) REQUIRE(guard.admit(i, kStart, kStart) == Verdict::fresh);
  REQUIRE(guard.admit(10, kStart, kStart) == Verdict::full);
  REQUIRE(guard.admit(0, kStart, kStart) == Verdict::replayed);
  REQUIRE(guard.admit(10, kStart + 400s, kStart + 400s) == Verdict::fresh);
}

TEST_CASE("without a time limit the last requests are remembered") {
  ReplayGuard guard(0s, 10);
  for (std::uint64_t i = 0; i < 100; ++i) {
    REQUIRE(guard.admit(i, kStart, kStart) == Verdict::fresh);
    for (std::uint64_t back = 0; back < 5 && back <= i; ++back) {
      REQUIRE(guard.admit(i - back, kStart, kStart) == Verdict::replayed);
    }
    REQUIRE(guard.size() <= 10);
  }
  REQUIRE(guard.admit(0, kStart, kStart) == Verdict::fresh);
}
