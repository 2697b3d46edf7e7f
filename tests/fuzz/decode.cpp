/// Messages of every encoding. The first byte picks the encoding, the rest is the message.
#include <array>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "fuzz.hpp"
#include "serializers/reader.hpp"
#include "serializers/serializers.hpp"
#include "serializers/value.hpp"

using namespace crosspoint;
using fuzz::require;
using wamp::Encoding;

namespace {

constexpr std::array kEncodings{Encoding::json, Encoding::msgpack, Encoding::cbor, Encoding::ubjson};

/// A decoded message and the bytes it points into, at their exact length, so that a byte read beyond them is noticed.
struct Decoded {
  std::vector<std::uint8_t> bytes;
  serializers::Scratch scratch;
  wamp::Message message;
  bool good;

  Decoded(Encoding encoding, base::Bytes encoded) : bytes(encoded.begin(), encoded.end()) {
    bytes.shrink_to_fit();
    good = serializers::decode(encoding, bytes, scratch, message).empty();
  }
  Decoded(const Decoded&) = delete;
};

bool encode(const wamp::Message& message, Encoding encoding, std::string& out) {
  serializers::Encoder encoder;
  serializers::EncodedMessage parts;
  if (!encoder.encode(message, encoding, parts)) return false;
  out = base::as_text(parts.head);
  out += base::as_text(parts.payload);
  out += parts.tail;
  return true;
}

base::Bytes payload_bytes(const wamp::Message& message) {
  const wamp::Payload* payload = serializers::payload_of(message);
  return payload != nullptr ? payload->bytes : base::Bytes();
}

void check_same_encoding(const wamp::Message& message, Encoding encoding) {
  std::string once;
  std::string twice;
  require(encode(message, encoding, once), "a message can be sent on in the encoding it came in");
  const Decoded again(encoding, base::as_bytes(once));
  require(again.good, "what is sent on is a message");
  require(type_of(again.message) == type_of(message), "a message keeps its type");
  require(base::as_text(payload_bytes(again.message)) == base::as_text(payload_bytes(message)),
          "a payload is sent on as it came");
  require(encode(again.message, encoding, twice) && once == twice, "nothing of a message is lost on its second way");
}

/// msgpackr's undefined, which is null on the way to another encoding, and an extension for trees.
bool has_undefined(const wamp::Payload& payload) {
  constexpr std::string_view kUndefined("\xd4\0\0", 3);
  return payload.encoding == Encoding::msgpack &&
         base::as_text(payload.bytes).find(kUndefined) != std::string_view::npos;
}

/// What a tree of `value` becomes in `target`, as text.
std::string through_tree(const nlohmann::json& value, Encoding target) {
  std::string bytes;
  nlohmann::json read;
  serializers::append_value(target, value, bytes);
  require(serializers::to_value(target, base::as_bytes(bytes), read), "what is written can be read");
  return read.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// Payloads are converted without trees, to what trees give.
void check_values(const wamp::Payload& payload, const wamp::Payload& converted) {
  nlohmann::json wanted[2];
  nlohmann::json got[2];
  if (has_undefined(payload) || !serializers::to_values(payload, wanted[0], wanted[1])) return;
  require(serializers::to_values(converted, got[0], got[1]), "what is converted has values");
  for (int i = 0; i < 2; ++i) {
    require(through_tree(got[i], converted.encoding) == through_tree(wanted[i], converted.encoding),
            "converted values are what they were");
  }
}

/// Payloads may have values that another encoding lacks; what is converted must be right.
void check_other_encoding(const wamp::Message& message, Encoding target) {
  std::string converted;
  if (!encode(message, target, converted)) return;
  require(target != Encoding::json || serializers::is_utf8(converted), "JSON that we write is UTF-8");
  const Decoded other(target, base::as_bytes(converted));
  require(other.good, "what is converted is a message");
  require(type_of(other.message) == type_of(message), "a converted message keeps its type");
  const auto* payload = serializers::payload_of(message);
  if (payload == nullptr) return;
  const auto* converted_payload = serializers::payload_of(other.message);
  require(converted_payload->elements == payload->elements, "no argument is lost");
  check_values(*payload, *converted_payload);
  check_same_encoding(other.message, target);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Encoding encoding = kEncodings[data[0] % kEncodings.size()];
  const base::Bytes bytes{data + 1, size - 1};
  if (encoding == Encoding::json && !serializers::is_utf8(base::as_text(bytes))) return 0;  // the transport's check
  const Decoded decoded(encoding, bytes);
  if (!decoded.good) return 0;
  check_same_encoding(decoded.message, encoding);
  for (const Encoding target : kEncodings) {
    if (target != encoding) check_other_encoding(decoded.message, target);
  }
  if (const auto* payload = serializers::payload_of(decoded.message); payload != nullptr) {
    nlohmann::json arguments;
    nlohmann::json keywords;
    serializers::to_values(*payload, arguments, keywords);
  }
  return 0;
}
