#include <algorithm>
#include <cctype>

#include "settings/object_reader.hpp"

namespace crosspoint::settings {
namespace {

/// Messages of connections that do not speak WAMP are no longer than this unless configured so: 1 MiB.
constexpr std::size_t kDefaultMessageSize = 1024 * 1024;

/// As the router takes them for calls.
bool is_uri(const std::string& text) {
  const auto good = [](unsigned char c) { return std::isspace(c) == 0 && c != '#' && std::iscntrl(c) == 0; };
  return !text.empty() && text.front() != '.' && text.back() != '.' && text.find("..") == std::string::npos &&
         std::all_of(text.begin(), text.end(), good);
}

std::string read_uri(ObjectReader& object, std::string_view key) {
  std::string uri = object.text_or(key, "");
  if (!uri.empty() && !is_uri(uri)) object.context().error(object.path_of(key), "\"" + uri + "\" is no URI", "a URI");
  return uri;
}

void load_procedures(ObjectReader& object, Gateway& out) {
  const Json* value =
      object.require("procedures", "an object with connect, open, message, disconnect, shutdown, request");
  if (value == nullptr) return;
  ObjectReader reader(object.context(), *value, object.path_of("procedures"));
  if (!reader.good()) return;
  out.procedures.connect = read_uri(reader, "connect");
  out.procedures.open = read_uri(reader, "open");
  out.procedures.request = read_uri(reader, "request");
  if (out.procedures.request.empty()) reader.required_text("message", "the URI of the procedure that takes messages");
  out.procedures.message = read_uri(reader, "message");
  out.procedures.disconnect = read_uri(reader, "disconnect");
  out.procedures.shutdown = read_uri(reader, "shutdown");
  reader.finish();
}

void load_dispatch(ObjectReader& object, Gateway& out) {
  const Json* value = object.find("dispatch");
  if (value == nullptr) return;
  ObjectReader reader(object.context(), *value, object.path_of("dispatch"));
  Gateway::Dispatch dispatch;
  dispatch.attribute = reader.required_text("attribute", "the name of an attribute");
  reader.required_text("prefix", "the beginning of a URI, without the dot behind it");
  dispatch.prefix = read_uri(reader, "prefix");
  reader.finish();
  out.dispatch = std::move(dispatch);
}

}  // namespace

Gateway load_gateway(ObjectReader& object) {
  Gateway gateway;
  gateway.options.max_message_size = kDefaultMessageSize;
  gateway.path = object.path();
  gateway.route = object.required_text("route", "a name");
  gateway.realm = object.required_text("realm", "a realm of this worker");
  gateway.role = object.required_text("role", "a role of that realm");
  load_procedures(object, gateway);
  load_dispatch(object, gateway);
  gateway.payload = static_cast<Gateway::Payload>(object.choice("payload", {"plain", "json"}, 0));
  gateway.timeout = static_cast<std::uint32_t>(object.integer("timeout", 1, 3600).value_or(gateway.timeout));
  gateway.max_calls = static_cast<std::uint32_t>(object.integer("max_calls", 1, 1000).value_or(gateway.max_calls));
  gateway.subprotocols = object.texts("subprotocols");
  load_websocket_options(object, gateway.options);
  return gateway;
}

}  // namespace crosspoint::settings
