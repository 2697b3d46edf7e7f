#include "wamp/payload.hpp"

namespace crosspoint::wamp {

void append_json_string(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out.push_back('"');
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (code < 0x20) {
      out.append("\\u00");
      out.push_back(kHex[code >> 4]);
      out.push_back(kHex[code & 15]);
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

Dict Dict::from_json(std::string_view text) {
  Dict dict;
  dict.owner = base::ChunkRef::copy_of(base::as_bytes(text));
  dict.bytes = {dict.owner->data(), text.size()};
  return dict;
}

Dict Dict::kept() const {
  if (owner || bytes.empty()) return *this;
  Dict dict;
  dict.encoding = encoding;
  dict.owner = base::ChunkRef::copy_of(bytes);
  dict.bytes = {dict.owner->data(), bytes.size()};
  return dict;
}

Payload Payload::from_json(std::string_view text, std::uint8_t elements) {
  Payload payload;
  payload.elements = elements;
  payload.owner = base::ChunkRef::copy_of(base::as_bytes(text));
  payload.bytes = {payload.owner->data(), text.size()};
  return payload;
}

Payload Payload::from_text(std::string_view text) {
  std::string json = "[";
  append_json_string(json, text);
  json.push_back(']');
  return from_json(json, 1);
}

Payload Payload::kept() const {
  if (owner || bytes.empty()) return *this;
  Payload payload;
  payload.encoding = encoding;
  payload.elements = elements;
  payload.owner = base::ChunkRef::copy_of(bytes);
  payload.bytes = {payload.owner->data(), bytes.size()};
  return payload;
}

}  // namespace crosspoint::wamp
