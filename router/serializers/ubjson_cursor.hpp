#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.hpp"

namespace crosspoint::serializers {

/// The pieces of UBJSON (https://ubjson.org, draft 12) from which both the reader of envelopes and that of whole values
/// are made. Functions return false, and the cursor is then of no more use, if the bytes are not what they must be.
/// Numbers are big-endian. Containers may give their number of items and the type of all of them; types that take no
/// bytes (null, true, false) are refused there, since a few bytes could stand for any number of items.
struct UbjsonCursor {
  const std::uint8_t* next;
  const std::uint8_t* end;

  /// What stands behind the opening bracket of a container.
  struct Container {
    static constexpr std::size_t kOpen = ~std::size_t{0};
    std::uint8_t type = 0;      ///< of all items; 0: each has its own
    std::size_t count = kOpen;  ///< kOpen: a bracket ends it
  };

  std::size_t left() const { return static_cast<std::size_t>(end - next); }
  bool take(std::size_t size, const std::uint8_t*& at);
  /// The marker that says what the next value is; no-ops before it are passed over.
  bool marker(std::uint8_t& out);
  void skip_no_ops();
  /// True, and it is taken, if `closing` is next.
  bool closes(std::uint8_t closing);
  /// The bytes of an integer of the type given.
  bool integer(std::uint8_t type, std::int64_t& out);
  /// The bytes of a floating point number, single (d) or double (D).
  bool real(std::uint8_t type, double& out);
  /// A length: an integer of any type that is not negative and not larger than what is left.
  bool length(std::size_t& out);
  /// A length and as many bytes of UTF-8; also what a key is.
  bool text(std::string_view& out);
  /// The text of a char (C), string (S) or high-precision number (H) after its marker.
  bool text_of(std::uint8_t type, std::string_view& out);
  bool container(Container& out);

  /// Bytes that a value of this type takes; 0 if that depends on the value.
  static std::size_t fixed_size(std::uint8_t type);
  /// A list of unsigned bytes with their number in front: how binary values are written.
  static bool is_binary(const Container& list) { return list.type == 'U'; }
};

}  // namespace crosspoint::serializers
