#include "transports/utf8_stream.hpp"

#include <algorithm>

#include "serializers/reader.hpp"

namespace crosspoint::transports {

bool Utf8Stream::step(std::uint8_t byte) {
  if (missing_ > 0) {
    if (byte < least_ || byte > most_) return false;
    least_ = 0x80;
    most_ = 0xbf;
    --missing_;
    return true;
  }
  if (byte < 0x80) return true;
  if (byte < 0xc2 || byte > 0xf4) return false;
  missing_ = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
  // No overlong forms, no surrogates, nothing beyond U+10FFFF.
  least_ = byte == 0xe0 ? 0xa0 : byte == 0xf0 ? 0x90 : 0x80;
  most_ = byte == 0xed ? 0x9f : byte == 0xf4 ? 0x8f : 0xbf;
  return true;
}

bool Utf8Stream::feed(base::Bytes piece) {
  while (missing_ > 0 && !piece.empty()) {
    if (!step(piece.front())) return false;
    piece = piece.subspan(1);
  }
  // All but a character that may be cut off at the end is checked in one go.
  std::size_t end = piece.size();
  for (std::size_t back = 1; back <= std::min<std::size_t>(3, piece.size()); ++back) {
    const std::uint8_t byte = piece[piece.size() - back];
    if (byte < 0x80) break;
    if (byte >= 0xc0) {
      end = piece.size() - back;
      break;
    }
  }
  if (!serializers::is_utf8(base::as_text(piece.first(end)))) return false;
  return std::all_of(piece.begin() + static_cast<std::ptrdiff_t>(end), piece.end(),
                     [this](std::uint8_t byte) { return step(byte); });
}

}  // namespace crosspoint::transports
