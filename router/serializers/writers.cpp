#include "serializers/writers.hpp"

namespace crosspoint::serializers {

void JsonWriter::text(std::string_view value) {
  separate();
  constexpr std::string_view kHex = "0123456789abcdef";
  // Six bytes a character are the worst case: \u00XX.
  std::uint8_t* const start = out_.reserve(value.size() * 6 + 2);
  std::uint8_t* at = start;
  *at++ = '"';
  for (const char c : value) {
    const auto code = static_cast<std::uint8_t>(c);
    if (c == '"' || c == '\\') {
      *at++ = '\\';
      *at++ = code;
    } else if (code < 0x20) {
      std::memcpy(at, "\\u00", 4);
      at[4] = static_cast<std::uint8_t>(kHex[code >> 4]);
      at[5] = static_cast<std::uint8_t>(kHex[code & 15]);
      at += 6;
    } else {
      *at++ = code;
    }
  }
  *at++ = '"';
  out_.advance(static_cast<std::size_t>(at - start));
}

}  // namespace crosspoint::serializers
