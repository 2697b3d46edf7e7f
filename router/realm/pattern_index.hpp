#pragma once

#include <string>
#include <string_view>

#include "base/hash.hpp"
#include "realm/prefix_tree.hpp"
#include "realm/wildcard_tree.hpp"
#include "wamp/uri.hpp"

namespace crosspoint::realm {

/// Values under (URI, match policy), found by the URIs they match: the subscriptions of a realm, its registrations,
/// the permissions of a role. Not for use by two threads at a time.
template <class T>
class PatternIndex {
 public:
  /// The value under exactly this URI and policy; nullptr if there is none.
  T* find(std::string_view uri, wamp::Match match) {
    switch (match) {
      case wamp::Match::prefix:
        return prefix_.find(uri);
      case wamp::Match::wildcard:
        return wildcard_.find(uri);
      default: {
        const auto at = exact_.find(uri);
        return at != exact_.end() ? &at.value() : nullptr;
      }
    }
  }

  const T* find(std::string_view uri, wamp::Match match) const {
    return const_cast<PatternIndex*>(this)->find(uri, match);
  }

  void insert(std::string_view uri, wamp::Match match, T value) {
    switch (match) {
      case wamp::Match::prefix:
        return prefix_.insert(uri, std::move(value));
      case wamp::Match::wildcard:
        return wildcard_.insert(uri, std::move(value));
      default:
        exact_.insert_or_assign(std::string(uri), std::move(value));
    }
  }

  void erase(std::string_view uri, wamp::Match match) {
    switch (match) {
      case wamp::Match::prefix:
        return prefix_.erase(uri);
      case wamp::Match::wildcard:
        return wildcard_.erase(uri);
      default: {
        const auto at = exact_.find(uri);
        if (at != exact_.end()) exact_.erase(at);
      }
    }
  }

  /// Calls `visit` with every value whose pattern matches `uri`.
  template <class Visit>
  void each_match(std::string_view uri, Visit&& visit) const {
    if (const auto at = exact_.find(uri); at != exact_.end()) visit(at->second);
    prefix_.each_prefix_of(uri, visit);
    wildcard_.each_match(uri, [&visit](const T& value) {
      visit(value);
      return true;
    });
  }

  /// The one value a call goes to: exact, else the longest prefix, else the wildcard pattern whose literal components
  /// reach furthest ("Calls matching multiple registrations", advanced profile). nullptr if none matches.
  const T* best_match(std::string_view uri) const {
    if (const auto at = exact_.find(uri); at != exact_.end()) return &at->second;
    if (const T* value = prefix_.longest_prefix_of(uri)) return value;
    return best_wildcard(uri);
  }

  const T* exact(std::string_view uri) const {
    const auto at = exact_.find(uri);
    return at != exact_.end() ? &at->second : nullptr;
  }
  const T* best_wildcard(std::string_view uri) const {
    const T* best = nullptr;
    wildcard_.each_match(uri, [&best](const T& value) {
      best = &value;
      return false;
    });
    return best;
  }
  const T* longest_prefix(std::string_view uri) const { return prefix_.longest_prefix_of(uri); }

 private:
  tsl::robin_map<std::string, T, base::StringHash, std::equal_to<>> exact_;
  PrefixTree<T> prefix_;
  WildcardTree<T> wildcard_;
};

}  // namespace crosspoint::realm
