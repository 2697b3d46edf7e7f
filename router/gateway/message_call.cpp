#include "gateway/message_call.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "serializers/json_reader.hpp"
#include "serializers/value.hpp"
#include "serializers/write_buffer.hpp"
#include "serializers/writers.hpp"

namespace crosspoint::gateway {
namespace {

using nlohmann::json;
using serializers::JsonReader;
using serializers::Kind;

/// Longer texts name no procedure.
constexpr std::size_t kMaxEvent = 64;

bool is_event(std::string_view name) {
  return !name.empty() && name.size() <= kMaxEvent && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

bool is_json(std::string_view text) {
  serializers::Scratch scratch;
  JsonReader reader(base::as_bytes(text), scratch);
  reader.skip();
  return reader.ok() && reader.at_end();
}

/// The text at the route's attribute of an object; empty if there is none.
std::string event_of(const std::string& attribute, std::string_view text) {
  serializers::Scratch scratch;
  JsonReader reader(base::as_bytes(text), scratch);
  if (reader.kind() != Kind::dict || !reader.enter_dict()) return {};
  std::string event;
  while (reader.more()) {
    std::string_view key;
    std::string_view value;
    if (!reader.read_key(key)) return {};
    if (key != attribute || reader.kind() != Kind::text) {
      reader.skip();
    } else if (reader.read_text(value)) {
      event = value;
    }
  }
  return reader.ok() && reader.at_end() ? event : std::string();
}

wamp::Payload json_arguments(const Introduction& introduction, std::string_view message, std::string& buffer) {
  buffer = "[";
  buffer += introduction.json;
  buffer += ',';
  buffer += message;
  buffer += ']';
  return {wamp::Encoding::json, 1, base::as_bytes(buffer), {}};
}

/// In MessagePack, which takes texts and bytes as they are.
wamp::Payload plain_arguments(const Introduction& introduction, transports::DataKind kind, std::string_view message,
                              std::string& buffer) {
  constexpr char kListOfTwo = '\x92';
  buffer = kListOfTwo;
  buffer += introduction.msgpack;
  const bool text = kind == transports::DataKind::text;
  const std::size_t size = message.size();
  const auto head = [&](unsigned lead, unsigned bytes) {
    buffer += static_cast<char>(lead);
    for (unsigned i = bytes; i-- > 0;) buffer += static_cast<char>(size >> (8 * i) & 0xff);
  };
  if (text && size < 32) {
    head(0xa0 | static_cast<unsigned>(size), 0);
  } else if (size <= 0xff) {
    head(text ? 0xd9 : 0xc4, 1);
  } else if (size <= 0xffff) {
    head(text ? 0xda : 0xc5, 2);
  } else {
    head(text ? 0xdb : 0xc6, 4);
  }
  buffer += message;
  return {wamp::Encoding::msgpack, 1, base::as_bytes(buffer), {}};
}

}  // namespace

Introduction::Introduction(const nlohmann::json& connection) {
  serializers::append_value(wamp::Encoding::json, connection, json);
  serializers::append_value(wamp::Encoding::msgpack, connection, msgpack);
}

std::optional<MessageCall> call_for(const settings::Gateway& route, const Introduction& introduction,
                                    transports::DataKind kind, std::string_view message, std::string& buffer) {
  const bool text = kind == transports::DataKind::text;
  const bool only_json = route.payload == settings::Gateway::Payload::json;
  if (only_json && (!text || !is_json(message))) return std::nullopt;
  if (route.dispatch && text) {
    const std::string event = event_of(route.dispatch->attribute, message);
    if (is_event(event)) {
      return MessageCall{route.dispatch->prefix + "." + event, json_arguments(introduction, message, buffer), true};
    }
  }
  if (only_json) return MessageCall{route.procedures.message, json_arguments(introduction, message, buffer)};
  return MessageCall{route.procedures.message, plain_arguments(introduction, kind, message, buffer)};
}

MessageCall default_call(const settings::Gateway& route, const Introduction& introduction, std::string_view message,
                         std::string& buffer) {
  const bool only_json = route.payload == settings::Gateway::Payload::json;
  return {route.procedures.message, only_json
                                        ? json_arguments(introduction, message, buffer)
                                        : plain_arguments(introduction, transports::DataKind::text, message, buffer)};
}

std::optional<Data> to_data(const json& value) {
  Data data;
  if (value.is_string()) {
    data.bytes = value.get_ref<const std::string&>();
  } else if (value.is_binary()) {
    const auto& binary = value.get_binary();
    data.kind = transports::DataKind::binary;
    data.bytes.assign(binary.begin(), binary.end());
    return data;
  } else {
    serializers::append_value(wamp::Encoding::json, value, data.bytes);
  }
  if (!serializers::is_utf8(data.bytes)) return std::nullopt;
  return data;
}

}  // namespace crosspoint::gateway
