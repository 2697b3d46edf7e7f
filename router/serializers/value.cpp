#include "serializers/value.hpp"

#include <nlohmann/json.hpp>

#include "serializers/base64.hpp"
#include "serializers/cbor_reader.hpp"
#include "serializers/msgpack_reader.hpp"
#include "serializers/ubjson_value.hpp"

namespace crosspoint::serializers {
namespace {

using nlohmann::json;
using wamp::Encoding;

/// Turns binary values into JSON's strings for them.
void binary_to_text(json& value) {
  if (value.is_binary()) {
    const auto& binary = value.get_binary();
    value = std::string(1, '\0') + to_base64({binary.data(), binary.size()});
  } else if (value.is_structured()) {
    for (auto& item : value) binary_to_text(item);
  }
}

/// Turns JSON's strings for binary values into them. A string that only looks like one stays a string.
void text_to_binary(json& value) {
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    std::vector<std::uint8_t> bytes;
    if (!text.empty() && text[0] == '\0' && from_base64(std::string_view(text).substr(1), bytes)) {
      value = json::binary(std::move(bytes));
    }
  } else if (value.is_structured()) {
    for (auto& item : value) text_to_binary(item);
  }
}

/// Takes the type of MessagePack's extensions from binary values: CBOR would make a tag of another meaning of it.
void drop_subtypes(json& value) {
  if (value.is_binary()) {
    value.get_binary().clear_subtype();
  } else if (value.is_structured()) {
    for (auto& item : value) drop_subtypes(item);
  }
}

/// Prepares CBOR for nlohmann's reader, which does not know undefined (null here) nor all tags that may be passed
/// over, and which gets integers below -2^63 wrong. False if there are such, or numbers too large for an integer.
bool adapt_cbor(std::vector<std::uint8_t>& bytes) {
  constexpr std::uint8_t kNegative = 1, kTextString = 3, kTag = 6, kAnyTag = 0xc6, kNull = 0xf6, kUndefined = 0xf7;
  std::uint64_t argument = 0;
  for (std::size_t at = 0; at < bytes.size();) {  // the heads of values follow one another, however they nest
    std::uint8_t& initial = bytes[at++];
    const unsigned major = initial >> 5;
    const unsigned info = initial & 31;
    const std::size_t size = info >= 24 && info <= 27 ? std::size_t{1} << (info - 24) : 0;
    if (bytes.size() - at < size) return false;
    argument = info < 24 ? info : 0;
    for (std::size_t i = 0; i < size; ++i) argument = argument << 8 | bytes[at + i];
    at += size;
    if (major == kNegative && argument >> 63 != 0) return false;
    if (major == kTag && argument >= 2 && argument <= 5) return false;  // big integers, decimal fractions, big floats
    if (major == kTag && size == 0) initial = kAnyTag;
    if (initial == kUndefined) initial = kNull;
    if (major > kNegative && major <= kTextString) {  // its bytes follow
      if (bytes.size() - at < argument) return false;
      at += argument;
    }
  }
  return true;
}

/// Checked before a tree is made, since that recurses as deep as the value is.
template <class R>
bool is_good(base::Bytes bytes) {
  Scratch scratch;
  R reader(bytes, scratch);
  reader.skip();
  return reader.ok() && reader.at_end();
}

json parse_cbor(base::Bytes bytes) {
  if (!is_good<CborReader>(bytes)) return json(json::value_t::discarded);
  std::vector<std::uint8_t> adapted(bytes.begin(), bytes.end());
  if (!adapt_cbor(adapted)) return json(json::value_t::discarded);
  return json::from_cbor(adapted, true, false, json::cbor_tag_handler_t::ignore);
}

json parse(Encoding encoding, base::Bytes bytes) {
  constexpr bool kStrict = true;
  constexpr bool kExceptions = false;
  switch (encoding) {
    case Encoding::msgpack: {
      if (!is_good<MsgpackReader>(bytes)) return json(json::value_t::discarded);
      json value = json::from_msgpack(bytes.begin(), bytes.end(), kStrict, kExceptions);
      drop_subtypes(value);
      return value;
    }
    case Encoding::cbor:
      return parse_cbor(bytes);
    case Encoding::ubjson: {
      json value;
      return parse_ubjson(bytes, value) ? value : json(json::value_t::discarded);
    }
    default:
      return json::parse(bytes.begin(), bytes.end(), nullptr, kExceptions);
  }
}

/// The payload's elements as one list.
bool parse_elements(const wamp::Payload& payload, json& out) {
  std::string list;
  switch (payload.encoding) {
    case Encoding::msgpack:
      list.push_back(static_cast<char>(0x90 | payload.elements));
      break;
    case Encoding::cbor:
      list.push_back(static_cast<char>(0x80 | payload.elements));
      break;
    default:
      list.push_back('[');
  }
  list.append(base::as_text(payload.bytes));
  if (payload.encoding == Encoding::json || payload.encoding == Encoding::ubjson) list.push_back(']');
  return to_value(payload.encoding, base::as_bytes(list), out);
}

}  // namespace

bool to_value(Encoding encoding, base::Bytes bytes, json& out) {
  out = parse(encoding, bytes);
  if (out.is_discarded()) return false;
  if (encoding == Encoding::json) text_to_binary(out);
  return true;
}

bool to_value(const wamp::Dict& dict, json& out) {
  if (dict.bytes.empty()) {
    out = json::object();
    return true;
  }
  return to_value(dict.encoding, dict.bytes, out);
}

void append_value(Encoding encoding, const json& value, std::string& out) {
  std::vector<std::uint8_t> bytes;
  switch (encoding) {
    case Encoding::msgpack:
      json::to_msgpack(value, bytes);
      break;
    case Encoding::cbor:
      json::to_cbor(value, bytes);
      break;
    case Encoding::ubjson:
      return append_ubjson(value, out);
    default: {
      json text = value;
      binary_to_text(text);
      out += text.dump(-1, ' ', false, json::error_handler_t::replace);
      return;
    }
  }
  out.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

bool to_values(const wamp::Payload& payload, json& arguments, json& keyword_arguments) {
  json list;
  if (!parse_elements(payload, list)) return false;
  if (payload.elements > 0 && !list[0].is_array()) return false;  // a transparent payload
  arguments = payload.elements > 0 ? std::move(list[0]) : json::array();
  keyword_arguments = payload.elements > 1 ? std::move(list[1]) : json::object();
  return true;
}

}  // namespace crosspoint::serializers
