#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstdint>

namespace crosspoint::bench {

/// Counts durations in buckets that are at most 0.8 % wide, so that any number of them takes the same memory and
/// recording one allocates nothing.
class Histogram {
 public:
  void record(std::chrono::nanoseconds duration) {
    const auto value = static_cast<std::uint64_t>(std::max<std::int64_t>(duration.count(), 0));
    ++counts_[bucket(value)];
    ++total_;
    max_ = std::max(max_, value);
  }
  void clear() { *this = Histogram(); }
  std::uint64_t count() const { return total_; }

  /// In microseconds: the duration that the given share (0 to 1) of all does not exceed.
  double quantile_us(double share) const {
    const auto rank = static_cast<std::uint64_t>(share * static_cast<double>(total_));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      seen += counts_[i];
      if (seen > rank) return static_cast<double>(std::min(upper_end(i), max_)) / 1000;
    }
    return max_us();
  }
  double max_us() const { return static_cast<double>(max_) / 1000; }

 private:
  static constexpr unsigned kBits = 7;  // a power of two is split into 2^7 buckets
  static constexpr std::uint64_t kSplit = std::uint64_t{1} << kBits;

  static std::size_t bucket(std::uint64_t value) {
    if (value < kSplit) return value;
    const auto shift = static_cast<unsigned>(std::bit_width(value)) - 1 - kBits;
    return ((shift + 1) << kBits) + ((value >> shift) - kSplit);
  }
  static std::uint64_t upper_end(std::size_t index) {
    if (index < kSplit) return index;
    const auto shift = (index >> kBits) - 1;
    return (((index & (kSplit - 1)) + kSplit + 1) << shift) - 1;
  }

  std::array<std::uint64_t, (64 - kBits + 1) * kSplit> counts_{};
  std::uint64_t total_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace crosspoint::bench
