#include <catch2/catch.hpp>

#include <map>
#include <set>

#include "base/random.hpp"
#include "realm/pattern_index.hpp"

using crosspoint::base::Random;
using crosspoint::realm::PatternIndex;
using crosspoint::wamp::Match;

namespace {

/// The same, by looking at every pattern.
class Naive {
 public:
  void insert(const std::string& uri, Match match, int value) { values_[{uri, match}] = value; }
  void erase(const std::string& uri, Match match) { values_.erase({uri, match}); }
  std::multiset<int> matches(const std::string& uri) const {
    std::multiset<int> found;
    for (const auto& [key, value] : values_) {
      if (applies(key.first, key.second, uri)) found.insert(value);
    }
    return found;
  }
  int longest_prefix(const std::string& uri) const {
    int best = -1;
    std::size_t length = 0;
    for (const auto& [key, value] : values_) {
      if (key.second != Match::prefix || !uri.starts_with(key.first)) continue;
      if (best == -1 || key.first.size() > length) {
        best = value;
        length = key.first.size();
      }
    }
    return best;
  }
  /// The wildcard pattern whose components are literal the furthest, compared from the front.
  int best_wildcard(const std::string& uri) const {
    std::string best_shape;
    int best = -1;
    for (const auto& [key, value] : values_) {
      if (key.second != Match::wildcard || !applies(key.first, key.second, uri)) continue;
      std::string shape;
      std::string rest = key.first + ".";
      while (!rest.empty()) {
        shape += rest[0] == '.' ? '0' : '1';
        rest = rest.substr(rest.find('.') + 1);
      }
      if (best == -1 || shape > best_shape) {
        best = value;
        best_shape = shape;
      }
    }
    return best;
  }
  const std::map<std::pair<std::string, Match>, int>& values() const { return values_; }

 private:
  static bool applies(const std::string& pattern, Match match, const std::string& uri) {
    if (match == Match::exact) return pattern == uri;
    if (match == Match::prefix) return uri.starts_with(pattern);
    return crosspoint::wamp::matches_wildcard(pattern, uri);
  }
  std::map<std::pair<std::string, Match>, int> values_;
};

/// Few letters and short, so that patterns collide.
std::string random_uri(Random& random, bool empty_components) {
  std::string uri;
  const auto components = 1 + random.below(4);
  for (std::uint64_t i = 0; i < components; ++i) {
    if (i > 0) uri += '.';
    if (empty_components && random.below(3) == 0) continue;
    const auto length = 1 + random.below(2);
    for (std::uint64_t j = 0; j < length; ++j) uri += static_cast<char>('a' + random.below(2));
  }
  return uri;
}

int value_or_none(const int* value) { return value != nullptr ? *value : -1; }

}  // namespace

TEST_CASE("PatternIndex agrees with looking at every pattern, over random insertions and erasures") {
  Random random(7);
  PatternIndex<int> index;
  Naive naive;
  for (int step = 0; step < 20000; ++step) {
    const auto match = static_cast<Match>(random.below(3));
    const std::string pattern = random_uri(random, match != Match::exact);
    if (random.below(2) == 0) {
      index.insert(pattern, match, step);
      naive.insert(pattern, match, step);
    } else {
      index.erase(pattern, match);
      naive.erase(pattern, match);
    }
    const std::string uri = random_uri(random, false);
    INFO("step " << step << ", uri " << uri);
    std::multiset<int> found;
    index.each_match(uri, [&found](int value) { found.insert(value); });
    REQUIRE(found == naive.matches(uri));
    REQUIRE(value_or_none(index.longest_prefix(uri)) == naive.longest_prefix(uri));
    REQUIRE(value_or_none(index.best_wildcard(uri)) == naive.best_wildcard(uri));
    const auto exact = naive.values().find({pattern, match});
    REQUIRE(value_or_none(index.find(pattern, match)) == (exact != naive.values().end() ? exact->second : -1));
  }
}

TEST_CASE("a call goes to the exact match, else the longest prefix, else the best wildcard") {
  PatternIndex<int> index;
  index.insert("a.b.c", Match::exact, 1);
  index.insert("a", Match::prefix, 2);
  index.insert("a.b", Match::prefix, 3);
  index.insert("a..c", Match::wildcard, 4);
  index.insert("b..", Match::wildcard, 5);
  index.insert("b.x.", Match::wildcard, 6);
  REQUIRE(value_or_none(index.best_match("a.b.c")) == 1);
  REQUIRE(value_or_none(index.best_match("a.b.d")) == 3);
  REQUIRE(value_or_none(index.best_match("a.x.c")) == 2);
  REQUIRE(value_or_none(index.best_match("b.x.y")) == 6);
  REQUIRE(value_or_none(index.best_match("b.y.y")) == 5);
  REQUIRE(value_or_none(index.best_match("c")) == -1);
}

TEST_CASE("patterns of the greatest length and depth do not exhaust the stack") {
  PatternIndex<int> index;
  const std::string dots(crosspoint::wamp::kMaxUriLength, '.');
  index.insert(dots, Match::wildcard, 1);
  std::string grown;
  for (int i = 0; i < 4096; ++i) index.insert(grown += 'a', Match::prefix, i);
  std::string uri = "x";
  while (uri.size() + 2 <= 2 * crosspoint::wamp::kMaxUriLength + 1) uri += ".x";
  REQUIRE(value_or_none(index.best_wildcard(uri)) == 1);
  REQUIRE(value_or_none(index.longest_prefix(grown)) == 4095);
  index.erase(dots, Match::wildcard);
  REQUIRE(value_or_none(index.best_wildcard(uri)) == -1);
}
