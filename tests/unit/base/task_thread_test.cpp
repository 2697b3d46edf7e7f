#include <catch2/catch.hpp>

#include <algorithm>
#include <future>
#include <memory>
#include <thread>
#include <vector>

#include "base/task_thread.hpp"

using namespace crosspoint;

TEST_CASE("a task thread does its tasks in order, on a thread of its own") {
  std::vector<int> done;
  std::promise<std::thread::id> last;
  base::TaskThread thread;
  for (int i = 0; i < 100; ++i) thread.post([&done, i] { done.push_back(i); });
  thread.post([&last] { last.set_value(std::this_thread::get_id()); });
  REQUIRE(last.get_future().get() != std::this_thread::get_id());
  REQUIRE(done.size() == 100);
  REQUIRE(std::is_sorted(done.begin(), done.end()));
}

TEST_CASE("a task thread ends after the task under way, and keeps nothing of those that wait") {
  std::promise<void> begun;
  bool finished = false;
  const auto held = std::make_shared<int>(0);
  {
    base::TaskThread thread;
    thread.post([&] {
      begun.set_value();
      std::this_thread::yield();
      finished = true;
    });
    begun.get_future().wait();
    for (int i = 0; i < 1000; ++i) thread.post([held] {});
  }
  REQUIRE(finished);
  REQUIRE(held.use_count() == 1);
}

TEST_CASE("a task thread has its tick called again and again") {
  std::promise<void> third;
  int ticks = 0;
  base::TaskThread thread(std::chrono::milliseconds(1), [&] {
    if (++ticks == 3) third.set_value();
  });
  third.get_future().wait();
}
