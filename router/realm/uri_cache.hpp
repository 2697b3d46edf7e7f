#pragma once

#include <tsl/robin_map.h>

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.hpp"

namespace crosspoint::realm {

/// A bounded memory of what was found out about URIs. Of the entries not used since the last time it filled up, the
/// cache forgets all at once. Belongs to one thread.
template <class T>
class UriCache {
 public:
  /// Longer URIs are not remembered.
  static constexpr std::size_t kLongestUri = 256;

  explicit UriCache(std::size_t most = 8192) : most_(most) {}

  /// nullptr if nothing is known. Valid until the next insert() or admit().
  T* find(std::string_view uri) {
    const std::size_t hash = base::StringHash()(uri);
    if (const auto at = fresh_.find(uri, hash); at != fresh_.end()) return &at.value();
    if (old_.empty()) return nullptr;
    const auto at = old_.find(uri, hash);
    if (at == old_.end()) return nullptr;
    T value = std::move(at.value());
    old_.erase(at);
    return insert(uri, std::move(value));
  }

  /// nullptr if the URI is too long to be remembered.
  T* insert(std::string_view uri, T value) {
    if (uri.size() > kLongestUri) return nullptr;
    if (fresh_.size() >= most_) {
      old_ = std::move(fresh_);
      fresh_ = {};
      if (seen_.empty()) seen_.resize(std::bit_ceil(2 * most_));
    }
    return &fresh_.insert_or_assign(std::string(uri), std::move(value)).first.value();
  }

  /// insert() of what can be found out again. nullptr also for a URI that comes for the first time in a while, once the
  /// cache has been full: URIs that are used a single time would only push out those that come back.
  T* admit(std::string_view uri, T value) {
    if (!seen_.empty()) {
      const std::size_t hash = base::StringHash()(uri);
      std::uint8_t& seen = seen_[hash & (seen_.size() - 1)];
      const auto mark = static_cast<std::uint8_t>(hash >> 56);
      if (seen != mark) {
        seen = mark;
        return nullptr;
      }
    }
    return insert(uri, std::move(value));
  }

  void clear() {
    fresh_.clear();
    old_.clear();
    seen_.clear();
  }

 private:
  using Map = tsl::robin_map<std::string, T, base::StringHash, std::equal_to<>>;
  std::size_t most_;
  Map fresh_;
  Map old_;
  std::vector<std::uint8_t> seen_;  // some bits of the hash of the last URI with these other bits of it
};

}  // namespace crosspoint::realm
