#include "settings/object_reader.hpp"

namespace crosspoint::settings {
namespace {

Universal load_universal(ObjectReader& object) {
  LoadContext& context = object.context();
  Universal universal;
  if (const Json* value = object.find("rawsocket")) {
    ObjectReader reader(context, *value, object.path_of("rawsocket"));
    load_rawsocket(reader, universal.rawsocket.emplace());
    reader.finish();
  }
  each_entry(object, "websocket", [&](const std::string& name, const Json& value, const std::string& path) {
    ObjectReader reader(context, value, path);
    reader.ignore("type");
    universal.websocket.emplace_back(name, load_websocket(reader));
    reader.finish();
  });
  if (const Json* value = object.find("web")) {
    ObjectReader reader(context, *value, object.path_of("web"));
    universal.web = load_web(reader);
    reader.finish();
  }
  if (object.find("mqtt") != nullptr) context.unsupported(object.path_of("mqtt"), "MQTT is not available");
  return universal;
}

}  // namespace

Transport load_transport(LoadContext& context, const Json& value, const std::string& path) {
  constexpr std::string_view kTypes = "web, websocket, rawsocket, universal";
  ObjectReader object(context, value, path);
  Transport transport;
  transport.path = path;
  transport.id = object.text_or("id", "");
  if (transport.id.empty()) transport.id = context.next_id("transport");
  const std::string type = object.required_text("type", kTypes);
  for (const std::string_view known : {"mqtt", "flashpolicy", "stream.testee"}) {
    if (type != known) continue;
    context.unsupported(path, "transports of type \"" + type + "\" are not available");
    transport.kind = UnsupportedTransport{type};
    return transport;
  }
  if (type != "web" && type != "websocket" && type != "rawsocket" && type != "universal" &&
      type != "websocket.testee") {
    if (!type.empty()) {
      context.error(object.path_of("type"), "\"" + type + "\" is not a transport type", std::string(kTypes));
    }
    return transport;
  }
  transport.endpoint = load_endpoint(object);
  if (type == "web") {
    transport.kind = load_web(object);
  } else if (type == "websocket" || type == "websocket.testee") {
    transport.kind = load_websocket(object);
    std::get<WebSocket>(transport.kind).echo = type == "websocket.testee";
  } else if (type == "rawsocket") {
    load_rawsocket(object, transport.kind.emplace<RawSocket>());
  } else {
    transport.kind = load_universal(object);
  }
  object.finish();
  warn_of_auth(context, transport);
  return transport;
}

}  // namespace crosspoint::settings
