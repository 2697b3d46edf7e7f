#pragma once

#include <cstdint>

#include "base/bytes.hpp"

namespace crosspoint::transports {

/// Checks text that arrives in pieces, which may end inside a character (RFC 3629).
class Utf8Stream {
 public:
  /// False as soon as what has come cannot be the beginning of a valid text.
  bool feed(base::Bytes piece);
  /// True if what has come ends with a whole character.
  bool whole() const { return missing_ == 0; }
  void reset() { missing_ = 0; }

 private:
  bool step(std::uint8_t byte);

  unsigned missing_ = 0;                     // bytes of the character at the end that are still to come
  std::uint8_t least_ = 0x80, most_ = 0xbf;  // what the next of them may be
};

}  // namespace crosspoint::transports
