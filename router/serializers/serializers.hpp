#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/chunk.hpp"
#include "serializers/scratch.hpp"
#include "serializers/write_buffer.hpp"
#include "wamp/message.hpp"

namespace crosspoint::serializers {

/// One way of writing messages as bytes.
struct Serializer {
  wamp::Encoding encoding;
  std::string_view name;         ///< as in the configuration: "json"
  std::string_view subprotocol;  ///< over WebSocket: "wamp.2.json"
  bool is_text;                  ///< WebSocket text frames, not binary ones
  std::uint8_t rawsocket_id;     ///< in the RawSocket handshake
};

/// All there are, in the order in which configuration defaults offer them.
std::span<const Serializer> all();
const Serializer& of(wamp::Encoding encoding);
/// nullptr if there is none of that name.
const Serializer* find_by_name(std::string_view name);
const Serializer* find_by_subprotocol(std::string_view subprotocol);
/// Those with the names given; all there are if there are none.
std::vector<const Serializer*> choose(const std::vector<std::string>& names);

/// Reads one message. Returns what is wrong with it, or nothing; `out` points into `bytes` and `scratch` (which is
/// cleared first). The bytes are checked to the last one, payload included. JSON must be known to be UTF-8.
std::string_view decode(wamp::Encoding encoding, base::Bytes bytes, Scratch& scratch, wamp::Message& out);

/// An encoded message in three parts, to be written one behind the other.
struct EncodedMessage {
  base::Bytes head;
  base::Bytes payload;
  base::ChunkRef payload_owner;  ///< set if `payload` may be referenced instead of copied
  std::string_view tail;

  std::size_t size() const { return head.size() + payload.size() + tail.size(); }
};

/// Writes messages. Not for use by two threads at a time.
class Encoder {
 public:
  /// The parts point into this encoder and into the message; they are valid until the next call. Returns false if the
  /// payload came in another encoding and cannot be expressed in this one.
  bool encode(const wamp::Message& message, wamp::Encoding encoding, EncodedMessage& out);

 private:
  template <class Writer>
  bool encode_as(const wamp::Message& message, EncodedMessage& out);
  /// A dictionary that cannot be expressed becomes an empty one.
  template <class Writer>
  void write_dict(Writer& writer, const wamp::Dict& dict);

  WriteBuffer head_;
  WriteBuffer converted_;
  Scratch scratch_;
};

/// A whole message in the encoding of its payload, which cannot fail. For what is not on the path of each message.
std::string encode_whole(const wamp::Message& message);

/// Has a large payload kept alive by `owner` instead of copied wherever it goes. `owner` holds the bytes that `message`
/// was decoded from.
void share_payload(wamp::Message& message, const base::ChunkRef& owner);

/// The payload a message carries; nullptr for those that carry none.
const wamp::Payload* payload_of(const wamp::Message& message);

}  // namespace crosspoint::serializers
