#include "cluster/held_back.hpp"

#include <catch2/catch.hpp>

using crosspoint::cluster::HeldBack;

namespace {

std::string texts(const std::vector<HeldBack::Event>& events) {
  std::string all;
  for (const HeldBack::Event& event : events) all += event.text;
  return all;
}

}  // namespace

TEST_CASE("events wait for those before them of their topic only, each for the one that it is behind") {
  HeldBack held;
  REQUIRE_FALSE(held.hold("a", {"0", 1}));
  held.begin("a");
  REQUIRE(held.hold("a", {"1", 1}));
  REQUIRE_FALSE(held.hold("b", {"x", 1}));
  held.begin("a");
  REQUIRE(held.hold("a", {"2", 1}));
  REQUIRE(held.hold("a", {"3", 1}));
  REQUIRE(texts(held.end("a")) == "1");
  REQUIRE(held.hold("a", {"4", 1}));
  REQUIRE(texts(held.end("a")) == "234");
  REQUIRE_FALSE(held.hold("a", {"5", 1}));
  REQUIRE(held.end("a").empty());
  REQUIRE(held.empty());
}

TEST_CASE("what waits is counted when it is given up") {
  HeldBack held;
  held.begin("a");
  held.begin("b");
  REQUIRE(held.hold("a", {"1", 10}));
  REQUIRE(held.hold("b", {"2", 20}));
  REQUIRE(held.hold("b", {"3", 30}));
  std::size_t bytes = 5;
  REQUIRE(held.clear(bytes) == 3);
  REQUIRE(bytes == 65);
  REQUIRE(held.empty());
  REQUIRE_FALSE(held.hold("a", {"4", 1}));
}
