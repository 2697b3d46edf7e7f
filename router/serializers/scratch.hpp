#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <string>

namespace crosspoint::serializers {

/// Strings that decoding had to put together (JSON escapes, CBOR chunks) because they do not stand as such in the
/// message. They live until clear(); addresses do not change before. What is common is kept to be used again, so that
/// nothing is allocated in the long run.
class Scratch {
 public:
  /// An empty string.
  std::string& add() {
    if (used_ == strings_.size()) strings_.emplace_back();
    return strings_[used_++];
  }
  void clear() {
    if (used_ != 0) reset();
  }

 private:
  static constexpr std::size_t kKeptStrings = 64;
  static constexpr std::size_t kKeptBytes = 1024;  // of each

  void reset() {
    if (strings_.size() > kKeptStrings) strings_.resize(kKeptStrings);
    for (used_ = std::min(used_, strings_.size()); used_ > 0; --used_) {
      std::string& string = strings_[used_ - 1];
      if (string.capacity() > kKeptBytes) {
        std::string().swap(string);
      } else {
        string.clear();
      }
    }
  }

  std::deque<std::string> strings_;
  std::size_t used_ = 0;
};

}  // namespace crosspoint::serializers
