#include "serializers/writers.hpp"

#include <algorithm>
#include <cmath>

#include "serializers/base64.hpp"

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

void JsonWriter::real(double value) {
  if (!std::isfinite(value)) return null();
  std::array<char, 32> text;
  char* end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  // A whole number stays one of floating point.
  if (std::find_if(text.data(), end, [](char c) { return c == '.' || c == 'e'; }) == end) {
    *end++ = '.';
    *end++ = '0';
  }
  raw(base::as_bytes({text.data(), static_cast<std::size_t>(end - text.data())}));
}

void JsonWriter::binary(std::string_view value) {
  constexpr std::string_view kNull = "\\u0000";
  separate();
  std::uint8_t* at =
      out_.reserve(base64_size(value.size()) + kNull.size() + 3);  // and the zero that write_base64 puts behind
  *at = '"';
  std::memcpy(at + 1, kNull.data(), kNull.size());
  const std::size_t size = write_base64(base::as_bytes(value), reinterpret_cast<char*>(at + 1 + kNull.size()));
  at[1 + kNull.size() + size] = '"';
  out_.advance(size + kNull.size() + 2);
}

void UbjsonWriter::number(std::uint64_t value) {
  if (value > INT64_MAX) {  // a high-precision number: its decimal digits
    std::array<char, 20> digits;
    const char* const stop = std::to_chars(digits.begin(), digits.end(), value).ptr;
    out_.push('H');
    return key({digits.data(), static_cast<std::size_t>(stop - digits.data())});
  }
  if (value <= 0xff) return put('U', value, 1);
  if (value <= 0x7fff) return put('I', value, 2);
  if (value <= 0x7fffffff) return put('l', value, 4);
  put('L', value, 8);
}

void UbjsonWriter::negative(std::int64_t value) {
  const auto bits = static_cast<std::uint64_t>(value);
  if (value >= 0) return number(bits);
  if (value >= INT8_MIN) return put('i', bits, 1);
  if (value >= INT16_MIN) return put('I', bits, 2);
  if (value >= INT32_MIN) return put('l', bits, 4);
  put('L', bits, 8);
}

void UbjsonWriter::real(double value) {
  if (!std::isfinite(value)) return null();
  put('D', std::bit_cast<std::uint64_t>(value), 8);
}

void UbjsonWriter::put(char type, std::uint64_t value, std::size_t size) {
  std::uint8_t* at = out_.reserve(9);
  *at++ = static_cast<std::uint8_t>(type);
  for (std::size_t i = size; i-- > 0;) *at++ = static_cast<std::uint8_t>(value >> (8 * i));
  out_.advance(size + 1);
}

}  // namespace crosspoint::serializers
