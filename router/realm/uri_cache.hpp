#pragma once

#include <tsl/robin_map.h>

#include <string>
#include <string_view>

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

  /// nullptr if nothing is known. Valid until the next insert().
  T* find(std::string_view uri) {
    if (const auto at = fresh_.find(uri); at != fresh_.end()) return &at.value();
    const auto at = old_.find(uri);
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
    }
    return &fresh_.insert_or_assign(std::string(uri), std::move(value)).first.value();
  }

  void clear() {
    fresh_.clear();
    old_.clear();
  }

 private:
  using Map = tsl::robin_map<std::string, T, base::StringHash, std::equal_to<>>;
  std::size_t most_;
  Map fresh_;
  Map old_;
};

}  // namespace crosspoint::realm
