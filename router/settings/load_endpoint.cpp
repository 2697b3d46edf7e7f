#include <cctype>
#include <charconv>

#include "settings/object_reader.hpp"

namespace crosspoint::settings {
namespace {

constexpr std::string_view kPortAllowed = "1 to 65535, or \"$NAME\" for an environment variable";

bool is_variable(std::string_view text) {
  if (text.size() < 2 || text[0] != '$' || (std::isalpha(static_cast<unsigned char>(text[1])) == 0 && text[1] != '_')) {
    return false;
  }
  for (const unsigned char c : text.substr(1)) {
    if (std::isalnum(c) == 0 && c != '_') return false;
  }
  return true;
}

std::uint16_t load_port(ObjectReader& object, const Json& value) {
  LoadContext& context = object.context();
  const std::string path = object.path_of("port");
  if (value.is_number_integer() && value >= 1 && value <= 65535) return value.get<std::uint16_t>();
  if (!value.is_string() || !is_variable(value.get_ref<const std::string&>())) {
    context.error(path, show(value) + " is not a port", std::string(kPortAllowed));
    return 0;
  }
  const std::string name = value.get<std::string>().substr(1);
  const auto text = context.environment(name);
  if (!text) {
    context.error(path, "environment variable " + name + " is not set", std::string(kPortAllowed));
    return 0;
  }
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), port);
  if (error != std::errc() || end != text->data() + text->size() || port < 1 || port > 65535) {
    context.error(path, "environment variable " + name + " is \"" + *text + "\"", std::string(kPortAllowed));
    return 0;
  }
  return static_cast<std::uint16_t>(port);
}

void load_port_range(ObjectReader& object, TcpEndpoint& endpoint) {
  const Json* value = object.find("portrange");
  if (value == nullptr) return;
  const auto good = [](const Json& item) { return item.is_number_integer() && item >= 1 && item <= 65535; };
  if (!value->is_array() || value->size() != 2 || !good((*value)[0]) || !good((*value)[1]) ||
      (*value)[0] > (*value)[1]) {
    object.context().error(object.path_of("portrange"), show(*value) + " is not a range of ports",
                           "[first, last] with 1 to 65535");
    return;
  }
  endpoint.portrange.emplace((*value)[0].get<std::uint16_t>(), (*value)[1].get<std::uint16_t>());
}

Tls load_tls(LoadContext& context, const Json& value, const std::string& path) {
  ObjectReader object(context, value, path);
  Tls tls;
  tls.key = context.absolute(object.required_text("key", "the path of a PEM file"));
  tls.certificate = context.absolute(object.required_text("certificate", "the path of a PEM file"));
  for (const auto& file : object.texts("chain_certificates")) {
    tls.chain_certificates.push_back(context.absolute(file));
  }
  for (const auto& file : object.texts("ca_certificates")) tls.ca_certificates.push_back(context.absolute(file));
  if (const Json* list = object.find("ca_certificates"); list != nullptr && list->is_array() && list->empty()) {
    context.error(object.path_of("ca_certificates"), "the list is empty",
                  "at least one file, or no such key: clients need no certificate then");
  }
  if (const auto file = object.text("dhparam")) tls.dhparam = context.absolute(*file);
  tls.ciphers = object.text_or("ciphers", "");
  object.finish();
  return tls;
}

void load_optional_tls(ObjectReader& endpoint, std::optional<Tls>& out) {
  if (const Json* tls = endpoint.find("tls")) out = load_tls(endpoint.context(), *tls, endpoint.path_of("tls"));
}

TcpEndpoint load_tcp(ObjectReader& object) {
  TcpEndpoint endpoint;
  const Json* version = object.find("version");
  if (version != nullptr && *version != 4 && *version != 6) {
    object.context().error(object.path_of("version"), show(*version) + " is not a version of IP", "4 or 6");
  } else if (version != nullptr) {
    endpoint.version = version->get<int>();
  }
  load_port_range(object, endpoint);
  const Json* port = object.find("port");
  if (port != nullptr) {
    endpoint.port = load_port(object, *port);
  } else if (object.good() && !endpoint.portrange && object.find("portrange") == nullptr) {
    object.context().error(object.path(), "\"port\" is missing", "port: " + std::string(kPortAllowed));
  }
  endpoint.interface = object.text_or("interface", "");
  endpoint.backlog = static_cast<int>(object.integer("backlog", 1, 65535).value_or(50));
  endpoint.shared = object.boolean("shared", false);
  endpoint.user_timeout = static_cast<std::uint32_t>(object.integer("user_timeout", 0, 65535).value_or(0));
  load_optional_tls(object, endpoint.tls);
  return endpoint;
}

/// $NAME and ${NAME} are replaced where the variable is set, and stay where it is not.
std::string expand_variables(const std::string& text, const Environment& environment) {
  std::string result;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t start = i + 1;
    const bool braced = text[i] == '$' && start < text.size() && text[start] == '{';
    if (braced) ++start;
    std::size_t end = start;
    while (end < text.size() && (std::isalnum(static_cast<unsigned char>(text[end])) != 0 || text[end] == '_')) ++end;
    const bool closed = !braced || (end < text.size() && text[end] == '}');
    const auto value =
        text[i] == '$' && end > start && closed ? environment(text.substr(start, end - start)) : std::nullopt;
    if (value) {
      result += *value;
      i = end + (braced ? 1 : 0);
    } else {
      result += text[i++];
    }
  }
  return result;
}

/// Octal digits, as for chmod: JSON has no octal numbers.
unsigned load_permissions(ObjectReader& object, unsigned fallback) {
  const auto text = object.text("permissions");
  if (!text) return fallback;
  unsigned mode = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), mode, 8);
  if (error == std::errc() && end == text->data() + text->size() && text->size() <= 4 && mode <= 0777) return mode;
  object.context().error(object.path_of("permissions"), "\"" + *text + "\" is not a file mode",
                         "octal digits from \"0\" to \"0777\"");
  return fallback;
}

UnixEndpoint load_unix(ObjectReader& object) {
  UnixEndpoint endpoint;
  LoadContext& context = object.context();
  endpoint.path = context.absolute(expand_variables(object.required_text("path", "a file name"), context.environment));
  endpoint.backlog = static_cast<int>(object.integer("backlog", 1, 65535).value_or(50));
  endpoint.permissions = load_permissions(object, endpoint.permissions);
  load_optional_tls(object, endpoint.tls);
  return endpoint;
}

}  // namespace

std::string describe(const Endpoint& endpoint) {
  if (const auto* local = std::get_if<UnixEndpoint>(&endpoint)) return "Unix socket " + local->path;
  const auto& tcp = std::get<TcpEndpoint>(endpoint);
  const std::string where = tcp.interface.empty() ? std::string() : " on " + tcp.interface;
  if (!tcp.portrange) return "TCP port " + std::to_string(tcp.port) + where;
  return "TCP ports " + std::to_string(tcp.portrange->first) + " to " + std::to_string(tcp.portrange->second) + where;
}

Endpoint load_endpoint(ObjectReader& transport) {
  LoadContext& context = transport.context();
  const Json* value = transport.require("endpoint", "an object with the endpoint's type");
  if (value == nullptr) return TcpEndpoint();
  ObjectReader object(context, *value, transport.path_of("endpoint"));
  const std::string type = object.required_text("type", "tcp, unix");
  Endpoint endpoint;
  if (type == "tcp") {
    endpoint = load_tcp(object);
    object.finish();
  } else if (type == "unix") {
    endpoint = load_unix(object);
    object.finish();
  } else if (type == "twisted" || type == "onion") {
    context.unsupported(object.path(), "endpoints of type \"" + type + "\" are not available; use tcp or unix");
  } else if (object.good() && !type.empty()) {
    context.error(object.path_of("type"), "\"" + type + "\" is not an endpoint type", "tcp, unix");
  }
  return endpoint;
}

}  // namespace crosspoint::settings
