#include <catch2/catch.hpp>

#include <string>

#include "base/timers.hpp"

using crosspoint::base::Timers;
using std::chrono::seconds;

TEST_CASE("timers run when they are due, earliest first, those of one time in the order of adding") {
  Timers timers;
  const Timers::TimePoint start{};
  std::string order;
  timers.add(start + seconds(2), [&] { order += 'c'; });
  timers.add(start + seconds(1), [&] { order += 'a'; });
  timers.add(start + seconds(1), [&] { order += 'b'; });
  REQUIRE(timers.next_due() == start + seconds(1));
  timers.run_due(start);
  REQUIRE(order.empty());
  timers.run_due(start + seconds(1));
  REQUIRE(order == "ab");
  timers.run_due(start + seconds(5));
  REQUIRE(order == "abc");
  REQUIRE(timers.next_due() == Timers::TimePoint::max());
}

TEST_CASE("a cancelled timer does not run, and cancelling one that has run changes nothing") {
  Timers timers;
  int runs = 0;
  auto one = timers.add(Timers::TimePoint{}, [&] { ++runs; });
  auto two = timers.add(Timers::TimePoint{}, [&] { ++runs; });
  timers.cancel(one);
  REQUIRE_FALSE(one);
  timers.run_due(Timers::TimePoint{});
  REQUIRE(runs == 1);
  timers.cancel(two);
  timers.cancel(two);
  REQUIRE(timers.size() == 0);
}

TEST_CASE("timers may add and cancel timers; one added for now waits for the next call") {
  Timers timers;
  const Timers::TimePoint now{};
  std::string order;
  Timers::Handle victim;
  timers.add(now, [&] {
    order += 'a';
    timers.cancel(victim);
    timers.add(now, [&] { order += 'c'; });
  });
  victim = timers.add(now, [&] { order += 'x'; });
  timers.add(now, [&] { order += 'b'; });
  timers.run_due(now);
  REQUIRE(order == "ab");
  timers.run_due(now);
  REQUIRE(order == "abc");
}
