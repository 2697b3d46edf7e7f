#include "serializers/value.hpp"

#include <nlohmann/json.hpp>

#include "serializers/base64.hpp"

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

json parse(Encoding encoding, base::Bytes bytes) {
  constexpr bool kStrict = true;
  constexpr bool kExceptions = false;
  switch (encoding) {
    case Encoding::msgpack:
      return json::from_msgpack(bytes.begin(), bytes.end(), kStrict, kExceptions);
    case Encoding::cbor:
      return json::from_cbor(bytes.begin(), bytes.end(), kStrict, kExceptions, json::cbor_tag_handler_t::ignore);
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
  if (payload.encoding == Encoding::json) list.push_back(']');
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
  arguments = payload.elements > 0 ? std::move(list[0]) : json::array();
  keyword_arguments = payload.elements > 1 ? std::move(list[1]) : json::object();
  return true;
}

bool convert(const wamp::Payload& payload, Encoding target, std::string& out) {
  json list;
  if (!parse_elements(payload, list)) return false;
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (i > 0 && target == Encoding::json) out.push_back(',');
    append_value(target, list[i], out);
  }
  return true;
}

bool convert(const wamp::Dict& dict, Encoding target, std::string& out) {
  json value;
  if (!to_value(dict, value)) return false;
  append_value(target, value, out);
  return true;
}

}  // namespace crosspoint::serializers
