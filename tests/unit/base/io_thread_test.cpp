#include <catch2/catch.hpp>

#include <string>

#include "base/io_thread.hpp"

using namespace crosspoint::base;

namespace {

/// Notes its turns.
class Hook final : public TurnEnd {
 public:
  Hook(std::string& order, char letter) : order_(order), letter_(letter) {}
  void on_turn_end() override {
    order_ += letter_;
    if (then) then();
  }
  std::function<void()> then;

 private:
  std::string& order_;
  char letter_;
};

}  // namespace

TEST_CASE("tasks run in the order of posting, on the thread that runs the loop") {
  IoThread io(3);
  REQUIRE(io.index() == 3);
  REQUIRE_FALSE(io.is_current());
  std::string order;
  io.post([&] {
    REQUIRE(io.is_current());
    order += 'a';
    io.post([&] { order += 'c'; });
    io.post([&] { io.stop(); });
  });
  io.post([&] { order += 'b'; });
  io.run();
  REQUIRE(order == "abc");
}

TEST_CASE("a hook runs at the end of the turn, and one that a hook asks for does so, too") {
  IoThread io(0);
  std::string order;
  Hook first(order, 'h');
  Hook second(order, 'i');
  first.then = [&] { io.at_turn_end(second); };
  second.then = [&] { io.stop(); };
  io.post([&] {
    io.at_turn_end(first);
    order += 'a';
  });
  io.post([&] { order += 'b'; });
  io.run();
  REQUIRE(order == "abhi");
}

TEST_CASE("hooks that write run behind all those that gather, also those that come late") {
  IoThread io(0);
  std::string order;
  Hook writes(order, 'w');
  Hook gathers(order, 'g');
  Hook late(order, 'l');
  gathers.then = [&] { io.at_turn_end(late); };
  writes.then = [&] { io.stop(); };
  io.post([&] {
    io.at_turn_end(writes, IoThread::Stage::write);
    io.at_turn_end(gathers);
  });
  io.run();
  REQUIRE(order == "glw");
}

TEST_CASE("a forgotten hook does not run, not even from within another of the same turn") {
  IoThread io(0);
  std::string order;
  Hook first(order, 'h');
  Hook second(order, 'i');
  Hook third(order, 'j');
  first.then = [&] { io.forget(second); };
  third.then = [&] { io.stop(); };
  io.post([&] {
    io.at_turn_end(first);
    io.at_turn_end(second);
    io.at_turn_end(third);
  });
  io.run();
  REQUIRE(order == "hj");
}

TEST_CASE("a timer is not held up by one that was added before it and is due later") {
  IoThread io(0);
  std::string order;
  Timers::Handle cancelled;
  io.post([&] {
    io.after(std::chrono::hours(1), [&] { order += 'x'; });
    cancelled = io.after(std::chrono::microseconds(1), [&] { order += 'y'; });
    io.after(std::chrono::microseconds(1), [&] {
      order += 'a';
      io.stop();
    });
    io.cancel(cancelled);
  });
  io.run();
  REQUIRE(order == "a");
}

TEST_CASE("a started thread runs what is posted from elsewhere until it is stopped") {
  std::atomic<int> runs{0};
  IoThread io(0);
  io.start();
  for (int i = 0; i < 100; ++i) io.post([&] { ++runs; });
  io.post([&] { io.stop(); });
  io.join();
  REQUIRE(runs == 100);
}
