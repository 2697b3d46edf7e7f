#include "serializers/ubjson_cursor.hpp"

#include <algorithm>
#include <bit>

#include "serializers/reader.hpp"

namespace crosspoint::serializers {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// A number as JSON writes it.
bool is_number(std::string_view text) {
  const auto digits = [&text] {
    const auto count = static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_digit) - text.begin());
    text.remove_prefix(count);
    return count;
  };
  if (text.starts_with('-')) text.remove_prefix(1);
  const bool zero = text.starts_with('0');
  const std::size_t whole = digits();
  if (whole == 0 || (zero && whole > 1)) return false;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    if (digits() == 0) return false;
  }
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
    if (digits() == 0) return false;
  }
  return text.empty();
}

}  // namespace

bool UbjsonCursor::take(std::size_t size, const std::uint8_t*& at) {
  if (left() < size) return false;
  at = next;
  next += size;
  return true;
}

void UbjsonCursor::skip_no_ops() {
  while (next != end && *next == 'N') ++next;
}

bool UbjsonCursor::marker(std::uint8_t& out) {
  skip_no_ops();
  if (next == end) return false;
  out = *next++;
  return true;
}

bool UbjsonCursor::closes(std::uint8_t closing) {
  skip_no_ops();
  if (next == end || *next != closing) return false;
  ++next;
  return true;
}

std::size_t UbjsonCursor::fixed_size(std::uint8_t type) {
  switch (type) {
    case 'i':
    case 'U':
    case 'C':
      return 1;
    case 'I':
      return 2;
    case 'l':
    case 'd':
      return 4;
    case 'L':
    case 'D':
      return 8;
    default:
      return 0;
  }
}

bool UbjsonCursor::integer(std::uint8_t type, std::int64_t& out) {
  const std::size_t size = fixed_size(type);
  const std::uint8_t* at = nullptr;
  if (size == 0 || type == 'C' || type == 'd' || type == 'D' || !take(size, at)) return false;
  std::uint64_t number = type != 'U' && (at[0] & 0x80) != 0 ? ~std::uint64_t{0} : 0;
  for (std::size_t i = 0; i < size; ++i) number = number << 8 | at[i];
  out = static_cast<std::int64_t>(number);
  return true;
}

bool UbjsonCursor::real(std::uint8_t type, double& out) {
  const std::uint8_t* at = nullptr;
  if ((type != 'd' && type != 'D') || !take(fixed_size(type), at)) return false;
  std::uint64_t bits = 0;
  while (at != next) bits = bits << 8 | *at++;
  out = type == 'D' ? std::bit_cast<double>(bits)
                    : static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(bits)));
  return true;
}

bool UbjsonCursor::length(std::size_t& out) {
  if (next == end) return false;
  const std::uint8_t type = *next++;
  std::int64_t number = 0;
  if (!integer(type, number) || number < 0 || static_cast<std::uint64_t>(number) > left()) return false;
  out = static_cast<std::size_t>(number);
  return true;
}

bool UbjsonCursor::text(std::string_view& out) {
  std::size_t size = 0;
  const std::uint8_t* at = nullptr;
  if (!length(size) || !take(size, at)) return false;
  out = {reinterpret_cast<const char*>(at), size};
  return is_utf8(out);
}

bool UbjsonCursor::text_of(std::uint8_t type, std::string_view& out) {
  if (type == 'S') return text(out);
  if (type == 'H') return text(out) && is_number(out);
  const std::uint8_t* at = nullptr;
  if (type != 'C' || !take(1, at) || *at > 0x7f) return false;
  out = {reinterpret_cast<const char*>(at), 1};
  return true;
}

bool UbjsonCursor::container(Container& out) {
  out = {};
  if (next != end && *next == '$') {
    constexpr std::string_view kTypes = "iUIlLdDCSH[{";
    if (left() < 3 || next[2] != '#' || kTypes.find(static_cast<char>(next[1])) == std::string_view::npos) return false;
    out.type = next[1];
    next += 2;
  }
  if (next == end || *next != '#') return true;
  ++next;
  return length(out.count);  // each item is at least a byte
}

}  // namespace crosspoint::serializers
