#include <simdjson.h>

#include <cstring>

#include "serializers/reader.hpp"

namespace crosspoint::serializers {

bool is_utf8(std::string_view text) {
  // Most strings of an envelope are short and plain ASCII: eight bytes at a time beat the call.
  constexpr std::uint64_t kHighBits = 0x8080808080808080;
  std::size_t i = 0;
  for (; i + 8 <= text.size(); i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + i, 8);
    if ((word & kHighBits) != 0 || i >= 64) return simdjson::validate_utf8(text.data() + i, text.size() - i);
  }
  for (; i < text.size(); ++i) {
    if (static_cast<unsigned char>(text[i]) >= 0x80) return simdjson::validate_utf8(text.data() + i, text.size() - i);
  }
  return true;
}

}  // namespace crosspoint::serializers
