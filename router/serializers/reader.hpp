#pragma once

#include <concepts>
#include <cstdint>
#include <string_view>

#include "base/bytes.hpp"

namespace crosspoint::serializers {

/// What stands next in a Reader.
enum class Kind : std::uint8_t { null, boolean, integer, number, text, binary, list, dict, invalid };

/// How deep lists and dictionaries of a message may nest. Deeper ones are refused, so that nobody's recursion
/// (a client's neither) can be driven to the end of its stack.
inline constexpr int kMaxDepth = 100;

/// Reads one encoding from front to back without building a tree. The first thing that is malformed or not of the
/// kind asked for makes the reader fail for good: later calls return false or nothing, so callers may check once at
/// the end. A reader reads lists and dictionaries only as deep as an envelope has them (kEnvelopeDepth); skip() takes
/// any value whole, checks all of it and returns its bytes.
template <class R>
concept Reader = requires(R reader, std::uint64_t& number, bool& flag, std::string_view& text) {
  { reader.kind() } -> std::same_as<Kind>;
  { reader.enter_list() } -> std::same_as<bool>;
  { reader.enter_dict() } -> std::same_as<bool>;
  // True if the innermost list or dictionary has one more item; false once at its end, which closes it.
  { reader.more() } -> std::same_as<bool>;
  { reader.read_key(text) } -> std::same_as<bool>;
  { reader.read_uint(number) } -> std::same_as<bool>;
  { reader.read_bool(flag) } -> std::same_as<bool>;
  { reader.read_text(text) } -> std::same_as<bool>;
  { reader.skip() } -> std::same_as<base::Bytes>;
  { reader.ok() } -> std::same_as<bool>;
  // True if nothing follows (JSON: but white space).
  { reader.at_end() } -> std::same_as<bool>;
};

inline constexpr int kEnvelopeDepth = 4;

/// True if `text` is valid UTF-8.
bool is_utf8(std::string_view text);

}  // namespace crosspoint::serializers
