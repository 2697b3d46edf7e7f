#include "serializers/serializers.hpp"

#include <array>

#include "serializers/cbor_reader.hpp"
#include "serializers/convert.hpp"
#include "serializers/decode_message.hpp"
#include "serializers/encode_message.hpp"
#include "serializers/json_reader.hpp"
#include "serializers/msgpack_reader.hpp"
#include "serializers/ubjson_reader.hpp"

namespace crosspoint::serializers {
namespace {

using wamp::Encoding;

constexpr std::array<Serializer, wamp::kEncodings> kSerializers{{
    {Encoding::json, "json", "wamp.2.json", true, 1},
    {Encoding::msgpack, "msgpack", "wamp.2.msgpack", false, 2},
    {Encoding::cbor, "cbor", "wamp.2.cbor", false, 3},
    {Encoding::ubjson, "ubjson", "wamp.2.ubjson", false, 4},
}};

template <class R>
std::string_view decode_with(base::Bytes bytes, Scratch& scratch, wamp::Message& out) {
  R reader(bytes, scratch);
  return MessageDecoder<R>(reader, out, scratch).decode();
}

}  // namespace

std::span<const Serializer> all() { return kSerializers; }

const Serializer& of(Encoding encoding) { return kSerializers[static_cast<std::size_t>(encoding)]; }

const Serializer* find_by_name(std::string_view name) {
  for (const auto& serializer : kSerializers) {
    if (serializer.name == name) return &serializer;
  }
  return nullptr;
}

std::vector<const Serializer*> choose(const std::vector<std::string>& names) {
  std::vector<const Serializer*> chosen;
  for (const auto& serializer : kSerializers) {
    if (names.empty()) chosen.push_back(&serializer);
  }
  for (const auto& name : names) {
    if (const auto* serializer = find_by_name(name)) chosen.push_back(serializer);
  }
  return chosen;
}

const Serializer* find_by_subprotocol(std::string_view subprotocol) {
  for (const auto& serializer : kSerializers) {
    if (serializer.subprotocol == subprotocol) return &serializer;
  }
  return nullptr;
}

std::string_view decode(Encoding encoding, base::Bytes bytes, Scratch& scratch, wamp::Message& out) {
  scratch.clear();
  switch (encoding) {
    case Encoding::msgpack:
      return decode_with<MsgpackReader>(bytes, scratch, out);
    case Encoding::cbor:
      return decode_with<CborReader>(bytes, scratch, out);
    case Encoding::ubjson:
      return decode_with<UbjsonReader>(bytes, scratch, out);
    default:
      return decode_with<JsonReader>(bytes, scratch, out);
  }
}

std::string encode_whole(const wamp::Message& message) {
  const wamp::Payload* payload = payload_of(message);
  Encoder encoder;
  EncodedMessage encoded;
  encoder.encode(message, payload != nullptr ? payload->encoding : Encoding::json, encoded);
  std::string bytes;
  bytes.reserve(encoded.size());
  return bytes.append(base::as_text(encoded.head)).append(base::as_text(encoded.payload)).append(encoded.tail);
}

const wamp::Payload* payload_of(const wamp::Message& message) {
  return std::visit(
      [](const auto& m) -> const wamp::Payload* {
        if constexpr (requires { m.payload; }) {
          return &m.payload;
        } else {
          return nullptr;
        }
      },
      message);
}

void share_payload(wamp::Message& message, const base::ChunkRef& owner) {
  constexpr std::size_t kWorthwhile = 4096;
  std::visit(
      [&](auto& m) {
        if constexpr (requires { m.payload; }) {
          if (m.payload.bytes.size() >= kWorthwhile) m.payload.owner = owner;
        }
      },
      message);
}

template <class Writer>
void Encoder::write_dict(Writer& writer, const wamp::Dict& dict) {
  if (!dict.bytes.empty() && dict.encoding == Writer::kEncoding) return writer.raw(dict.bytes);
  converted_.clear();
  if (!dict.bytes.empty() && convert(dict, Writer::kEncoding, scratch_, converted_)) {
    return writer.raw(converted_.bytes());
  }
  writer.begin_dict(0);
  writer.end_dict();
}

template <class Writer>
bool Encoder::encode_as(const wamp::Message& message, EncodedMessage& out) {
  head_.clear();
  Writer writer(head_);
  std::visit(MessageEncoder(writer, [this](Writer& to, const wamp::Dict& dict) { write_dict(to, dict); }), message);
  out.head = head_.bytes();
  out.payload = {};
  out.payload_owner.reset();
  out.tail = {};
  const wamp::Payload* payload = payload_of(message);
  if (payload == nullptr || payload->elements == 0) return true;
  out.tail = Writer::tail();
  if (payload->encoding == Writer::kEncoding) {
    out.payload = payload->bytes;
    out.payload_owner = payload->owner;
    return true;
  }
  converted_.clear();
  if (!convert(*payload, Writer::kEncoding, scratch_, converted_)) return false;
  out.payload = converted_.bytes();
  return true;
}

bool Encoder::encode(const wamp::Message& message, Encoding encoding, EncodedMessage& out) {
  switch (encoding) {
    case Encoding::msgpack:
      return encode_as<MsgpackWriter>(message, out);
    case Encoding::cbor:
      return encode_as<CborWriter>(message, out);
    case Encoding::ubjson:
      return encode_as<UbjsonWriter>(message, out);
    default:
      return encode_as<JsonWriter>(message, out);
  }
}

}  // namespace crosspoint::serializers
