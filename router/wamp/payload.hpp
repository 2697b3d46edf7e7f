#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/chunk.hpp"

namespace crosspoint::wamp {

/// How values are written as bytes ("Serializers" of the specification).
enum class Encoding : std::uint8_t { json, msgpack, cbor, ubjson };
inline constexpr std::size_t kEncodings = 4;

/// A dictionary (Details, Options, Extra) as the bytes it came in, checked but not taken apart. No bytes: empty.
struct Dict {
  Encoding encoding = Encoding::json;
  base::Bytes bytes;
  base::ChunkRef owner;  ///< keeps `bytes` alive if set; else they live as long as the message they came in

  /// A dictionary given as JSON text, which it keeps.
  static Dict from_json(std::string_view text);
  /// The same dictionary with bytes that outlive the message.
  Dict kept() const;
};

/// Arguments and ArgumentsKw of a message as the bytes they came in, checked but not taken apart: routing forwards
/// them, and a connection of another serializer converts them.
struct Payload {
  Encoding encoding = Encoding::json;
  /// 0: neither; 1: Arguments; 2: Arguments and ArgumentsKw. In Crossbar's payload transparency Arguments are one
  /// string or binary value, which only the two ends understand, and the only element.
  std::uint8_t elements = 0;
  /// The values one behind the other as on the wire (JSON: with the comma between).
  base::Bytes bytes;
  base::ChunkRef owner;  ///< keeps `bytes` alive if set; else they live as long as the message they came in

  /// Arguments with one string.
  static Payload from_text(std::string_view text);
  /// Given as JSON text: a list, or a list, a comma and a dictionary.
  static Payload from_json(std::string_view text, std::uint8_t elements);
  /// The same payload with bytes that outlive the message: referenced where there is an owner, else copied.
  Payload kept() const;
};

/// Appends `text` as a JSON string with its quotes. Bytes that are no UTF-8 are passed on.
void append_json_string(std::string& out, std::string_view text);

}  // namespace crosspoint::wamp
