#pragma once

#include <deque>
#include <string>

namespace crosspoint::serializers {

/// Strings that decoding had to put together (JSON escapes, CBOR chunks) because they do not stand as such in the
/// message. They live until clear(); addresses do not change before.
class Scratch {
 public:
  std::string& add() { return strings_.emplace_back(); }
  void clear() {
    if (!strings_.empty()) strings_.clear();
  }

 private:
  std::deque<std::string> strings_;
};

}  // namespace crosspoint::serializers
