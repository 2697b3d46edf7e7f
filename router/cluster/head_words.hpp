#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string_view>

/// Reading the first line of what nodes send each other: words with one space between them.
namespace crosspoint::cluster {

/// A decimal number of any width, and nothing besides. False if `text` is something else.
template <class Number>
bool read_number(std::string_view text, Number& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

/// The next word; empty if there is none.
inline std::string_view take_word(std::string_view& head) {
  const std::size_t end = std::min(head.find(' '), head.size());
  const std::string_view word = head.substr(0, end);
  head.remove_prefix(std::min(end + 1, head.size()));
  return word;
}

/// The same as a decimal number. False if it is none.
inline bool take_number(std::string_view& head, std::uint64_t& out) { return read_number(take_word(head), out); }

}  // namespace crosspoint::cluster
