#include <catch2/catch.hpp>

#include <functional>
#include <memory>
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

TEST_CASE("a callback that puts itself off again runs once a call, however late the call is") {
  Timers timers;
  Timers::TimePoint now{};
  int runs = 0;
  std::function<void()> again = [&] {
    ++runs;
    timers.add(now + seconds(1), again);
  };
  timers.add(now, again);
  for (int call = 1; call <= 5; ++call) {
    timers.run_due(now);
    REQUIRE(runs == call);
    REQUIRE(timers.next_due() == now + seconds(1));
    now += seconds(10);
  }
}

TEST_CASE("a timer may cancel itself, one that is due later, and all that are left") {
  Timers timers;
  const Timers::TimePoint now{};
  int runs = 0;
  Timers::Handle self;
  Timers::Handle later;
  self = timers.add(now, [&] {
    ++runs;
    timers.cancel(self);
    timers.cancel(later);
  });
  later = timers.add(now + seconds(1), [&] { ++runs; });
  timers.run_due(now + seconds(2));
  REQUIRE(runs == 1);
  REQUIRE(timers.size() == 0);
  REQUIRE_FALSE(self);
}

TEST_CASE("what a callback holds is let go when it has run or is cancelled") {
  Timers timers;
  const auto held = std::make_shared<int>(1);
  timers.add(Timers::TimePoint{}, [held] {});
  auto handle = timers.add(Timers::TimePoint{} + seconds(1), [held] {});
  REQUIRE(held.use_count() == 3);
  timers.run_due(Timers::TimePoint{});
  REQUIRE(held.use_count() == 2);
  timers.cancel(handle);
  REQUIRE(held.use_count() == 1);
}
