#include <catch2/catch.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <functional>
#include <string>

#include "base/poller.hpp"

using namespace crosspoint::base;

namespace {

/// A pipe whose reading end is in a poller.
class Pipe final : public Pollable {
 public:
  Pipe(Poller& poller, std::function<void(std::uint32_t)> on_event) : poller_(poller), on_event_(std::move(on_event)) {
    REQUIRE(::pipe2(ends_, O_CLOEXEC | O_NONBLOCK) == 0);
    REQUIRE(poller_.add(ends_[0], *this));
  }
  ~Pipe() override {
    forget();
    ::close(ends_[0]);
    close_writer();
  }

  void write() { REQUIRE(::write(ends_[1], "x", 1) == 1); }
  void close_writer() {
    if (ends_[1] >= 0) ::close(ends_[1]);
    ends_[1] = -1;
  }
  void forget() { poller_.remove(ends_[0], *this); }
  void on_ready(std::uint32_t events) override { on_event_(events); }

 private:
  Poller& poller_;
  std::function<void(std::uint32_t)> on_event_;
  int ends_[2] = {-1, -1};
};

}  // namespace

TEST_CASE("a descriptor is reported once for what has come, not as long as it lies there") {
  Poller poller;
  int calls = 0;
  Pipe pipe(poller, [&](std::uint32_t events) {
    REQUIRE((events & EPOLLIN) != 0);
    ++calls;
  });
  REQUIRE(poller.run_ready() == 0);
  pipe.write();
  REQUIRE(poller.run_ready() == 1);
  REQUIRE(poller.run_ready() == 0);
  pipe.write();
  REQUIRE(poller.run_ready() == 1);
  REQUIRE(calls == 2);
}

TEST_CASE("who stopped reading early is called again in the next round, once for each time it asks") {
  Poller poller;
  int calls = 0;
  Pollable* self = nullptr;
  Pipe pipe(poller, [&](std::uint32_t) {
    if (++calls < 3) poller.again(*self);
  });
  self = &pipe;
  pipe.write();
  REQUIRE(poller.run_ready() == 1);
  REQUIRE(poller.has_again());
  REQUIRE(poller.run_ready() == 1);
  REQUIRE(poller.run_ready() == 1);
  REQUIRE_FALSE(poller.has_again());
  REQUIRE(poller.run_ready() == 0);
  REQUIRE(calls == 3);
}

TEST_CASE("the end of the other side is reported") {
  Poller poller;
  std::uint32_t seen = 0;
  Pipe pipe(poller, [&](std::uint32_t events) { seen |= events; });
  pipe.close_writer();
  poller.run_ready();
  REQUIRE((seen & EPOLLHUP) != 0);
}

TEST_CASE("what is removed is not called any more, not even for what was collected in the same round") {
  Poller poller;
  int calls = 0;
  Pipe* first = nullptr;
  Pipe* second = nullptr;
  const auto end_the_other = [&](Pipe*& other) {
    return [&](std::uint32_t) {
      ++calls;
      poller.again(*other);
      other->forget();
    };
  };
  Pipe one(poller, end_the_other(second));
  Pipe two(poller, end_the_other(first));
  first = &one;
  second = &two;
  one.write();
  two.write();
  REQUIRE(poller.run_ready() == 1);
  REQUIRE_FALSE(poller.has_again());
  REQUIRE(calls == 1);
}

TEST_CASE("a descriptor the kernel refuses is not added") {
  Poller poller;
  Pipe pipe(poller, [](std::uint32_t) {});
  REQUIRE_FALSE(poller.add(-1, pipe));
}
