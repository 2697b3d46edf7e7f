#include <catch2/catch.hpp>

#include "realm/decision_cache.hpp"
#include "realm/session_table.hpp"
#include "realm/uri_cache.hpp"

using namespace crosspoint::realm;

TEST_CASE("UriCache forgets what was not used since it last filled up, and keeps the rest") {
  UriCache<int> cache(4);
  for (int i = 0; i < 4; ++i) cache.insert("old" + std::to_string(i), i);
  cache.insert("new", 10);
  REQUIRE(*cache.find("old1") == 1);
  for (int i = 0; i < 3; ++i) cache.insert("newer" + std::to_string(i), i);
  REQUIRE(*cache.find("old1") == 1);
  REQUIRE(cache.find("old0") == nullptr);
  REQUIRE(*cache.find("new") == 10);
}

TEST_CASE("UriCache, once it has been full, admits what comes back and not what comes once") {
  UriCache<int> cache(64);
  const auto fill = [&cache](const std::string& name, int count) {
    int taken = 0;
    for (int i = 0; i < count; ++i) taken += cache.admit(name + std::to_string(i), i) != nullptr ? 1 : 0;
    return taken;
  };
  REQUIRE(fill("first", 65) == 65);  // there is room for all of them
  REQUIRE(fill("once", 10'000) < 200);
  REQUIRE(cache.find("first64") != nullptr);  // it has not been pushed out
  REQUIRE(cache.admit("again", 1) == nullptr);
  REQUIRE(*cache.admit("again", 2) == 2);
  REQUIRE(*cache.find("again") == 2);
  REQUIRE(cache.insert("at once", 3) != nullptr);
}

TEST_CASE("UriCache does not keep very long URIs") {
  UriCache<int> cache;
  REQUIRE(cache.insert(std::string(UriCache<int>::kLongestUri, 'a'), 1) != nullptr);
  REQUIRE(cache.insert(std::string(UriCache<int>::kLongestUri + 1, 'a'), 1) == nullptr);
}

TEST_CASE("SessionTable finds a session by its key as long as it is there, and nobody in its place") {
  SessionTable table(3);
  Session& one = table.add();
  const SessionKey key = one.key;
  REQUIRE(key.shard == 3);
  REQUIRE(table.find(key) == &one);
  table.remove(one);
  REQUIRE(table.find(key) == nullptr);
  Session& two = table.add();
  REQUIRE(two.key.slot == key.slot);
  REQUIRE(table.find(key) == nullptr);
  REQUIRE(table.find(two.key) == &two);
  REQUIRE(table.find({3, 99, 1}) == nullptr);
  REQUIRE(table.size() == 1);
}

namespace {

/// Counts how often it is asked.
class CountingAuthorizer final : public Authorizer {
 public:
  explicit CountingAuthorizer(int& count) : count_(count) {}
  Decision decide(std::string_view uri, Action action) const override {
    ++count_;
    return {uri == "com.x" && action == Action::call, false};
  }

 private:
  int& count_;
};

}  // namespace

TEST_CASE("DecisionCache asks once per role, URI and action") {
  int asked = 0;
  const Role one("one", std::make_unique<CountingAuthorizer>(asked));
  const Role two("two", std::make_unique<CountingAuthorizer>(asked));
  DecisionCache cache;
  for (int i = 0; i < 3; ++i) {
    REQUIRE(cache.decide(one, "com.x", Action::call).allow);
    REQUIRE_FALSE(cache.decide(one, "com.x", Action::publish).allow);
    REQUIRE_FALSE(cache.decide(one, "com.y", Action::call).allow);
  }
  REQUIRE(asked == 3);
  REQUIRE(cache.decide(two, "com.x", Action::call).allow);
  REQUIRE(asked == 4);
  REQUIRE(cache.decide(one, "com.x", Action::call).allow);
  REQUIRE(asked == 4);
  const std::string long_uri(1000, 'a');
  cache.decide(one, long_uri, Action::call);
  cache.decide(one, long_uri, Action::call);
  REQUIRE(asked == 6);
}
