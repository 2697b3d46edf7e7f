#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

#include "base/hash.hpp"
#include "wamp/uri.hpp"

namespace crosspoint::realm {

/// Tells whether what is known of a URI may have changed. Readers on other threads remember a stamp with what they
/// looked up and compare it before they use it again: two loads of memory that is only written when a subscription
/// or registration comes or goes. A change of an exact URI touches one stripe, a change of a pattern touches all.
class VersionStamps {
 public:
  std::uint64_t of(std::string_view uri) const {
    // Both only grow, so their sum is the same exactly if both are.
    return stripe(uri).load(std::memory_order_acquire) + patterns_.load(std::memory_order_acquire);
  }
  /// To be called after the change, by whoever holds the lock for writing.
  void changed(std::string_view uri, wamp::Match match) {
    auto& counter = match == wamp::Match::exact ? stripe(uri) : patterns_;
    counter.fetch_add(1, std::memory_order_release);
  }

 private:
  std::atomic<std::uint64_t>& stripe(std::string_view uri) const {
    return stripes_[base::StringHash()(uri) % stripes_.size()];
  }
  mutable std::array<std::atomic<std::uint64_t>, 256> stripes_{};
  std::atomic<std::uint64_t> patterns_{0};
};

}  // namespace crosspoint::realm
