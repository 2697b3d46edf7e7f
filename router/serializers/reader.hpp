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

/// A number as it was written: a whole one from 0 on, a whole one below 0, or any other.
struct Number {
  enum class Is : std::uint8_t { natural, negative, real };
  Is is = Is::natural;
  std::uint64_t natural = 0;
  std::int64_t negative = 0;
  double real = 0;
};

/// Reads one encoding from front to back without building a tree. The first thing that is malformed or not of the
/// kind asked for makes the reader fail for good: later calls return false or nothing, so callers may check once at
/// the end. skip() takes any value whole, checks all of it and returns its bytes.
template <class R>
concept Reader = requires(R reader, std::uint64_t& number, bool& flag, std::string_view& text, Number& any) {
  { reader.kind() } -> std::same_as<Kind>;
  { reader.enter_list() } -> std::same_as<bool>;
  { reader.enter_dict() } -> std::same_as<bool>;
  // True if the innermost list or dictionary has one more item; false once at its end, which closes it.
  { reader.more() } -> std::same_as<bool>;
  { reader.read_key(text) } -> std::same_as<bool>;
  { reader.read_uint(number) } -> std::same_as<bool>;
  { reader.read_bool(flag) } -> std::same_as<bool>;
  { reader.read_text(text) } -> std::same_as<bool>;
  // Only where kind() has said integer or number, or binary.
  { reader.read_number(any) } -> std::same_as<bool>;
  { reader.read_binary(text) } -> std::same_as<bool>;
  { reader.skip() } -> std::same_as<base::Bytes>;
  { reader.ok() } -> std::same_as<bool>;
  // True if nothing follows (JSON: but white space).
  { reader.at_end() } -> std::same_as<bool>;
};

/// How deep readers follow lists and dictionaries: values as deep as they may be, inside a message.
inline constexpr int kReaderDepth = kMaxDepth + 4;

/// The number that `text`, which must be one as JSON writes it, stands for; an integer only without a point and an
/// exponent, and if it has 64 bits at most. False if it is larger than any.
bool parse_number(std::string_view text, Number& out);

/// True if `text` is valid UTF-8.
bool is_utf8(std::string_view text);

}  // namespace crosspoint::serializers
