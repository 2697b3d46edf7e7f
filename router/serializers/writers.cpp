#include "serializers/writers.hpp"

namespace crosspoint::serializers {

namespace {

/// Whether one of eight characters needs an escape: a quote, a backslash or a control character.
bool needs_escape(std::uint64_t eight) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  constexpr std::uint64_t kHighs = 0x8080808080808080;
  const auto is_zero = [](std::uint64_t bytes) { return (bytes - kOnes) & ~bytes; };
  const std::uint64_t below_space = (eight - kOnes * 0x20) & ~eight;
  return ((is_zero(eight ^ kOnes * '"') | is_zero(eight ^ kOnes * '\\') | below_space) & kHighs) != 0;
}

/// Whether the whole text can be copied as it is, as nearly all URIs, ids and keys can.
bool is_plain(std::string_view value) {
  std::uint64_t eight = 0x2020202020202020;
  if (value.size() < 8) {
    if (!value.empty()) std::memcpy(&eight, value.data(), value.size());
    return !needs_escape(eight);
  }
  for (std::size_t at = 0; at + 8 < value.size(); at += 8) {
    std::memcpy(&eight, value.data() + at, 8);
    if (needs_escape(eight)) return false;
  }
  std::memcpy(&eight, value.data() + value.size() - 8, 8);
  return !needs_escape(eight);
}

}  // namespace

void JsonWriter::text(std::string_view value) {
  separate();
  if (is_plain(value)) {
    std::uint8_t* at = out_.reserve(value.size() + 2);
    *at++ = '"';
    if (!value.empty()) std::memcpy(at, value.data(), value.size());
    at[value.size()] = '"';
    return out_.advance(value.size() + 2);
  }
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

void UbjsonWriter::number(std::uint64_t value) {
  if (value > INT64_MAX) {  // a high-precision number: its decimal digits
    std::array<char, 20> digits;
    const char* const stop = std::to_chars(digits.begin(), digits.end(), value).ptr;
    out_.push('H');
    return key({digits.data(), static_cast<std::size_t>(stop - digits.data())});
  }
  const std::size_t size = value <= 0xff ? 1 : value <= 0x7fff ? 2 : value <= 0x7fffffff ? 4 : 8;
  std::uint8_t* at = out_.reserve(9);
  *at++ = static_cast<std::uint8_t>(size == 1 ? 'U' : size == 2 ? 'I' : size == 4 ? 'l' : 'L');
  for (std::size_t i = size; i-- > 0;) *at++ = static_cast<std::uint8_t>(value >> (8 * i));
  out_.advance(size + 1);
}

}  // namespace crosspoint::serializers
