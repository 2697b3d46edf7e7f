#include <algorithm>
#include <array>
#include <cctype>

#include "settings/object_reader.hpp"

namespace crosspoint::settings {
namespace {

/// Paths nest no deeper than this.
constexpr int kMaxDepth = 16;

constexpr std::string_view kTypes =
    "websocket, gateway, static, json, redirect, nodeinfo, path, publisher, caller, webhook, longpoll, reverseproxy, "
    "archive, cgi, upload, none";

/// What Crossbar has and is not here, and what to do instead.
struct Unsupported {
  std::string_view type;
  std::string_view advice;
};
constexpr std::array kUnsupported{
    Unsupported{"websocket-reverseproxy", ""},
    Unsupported{"wsgi", ": it hosts Python code; run that in a server of its own"},
    Unsupported{"resource", ": it hosts Python code; run that in a server of its own"},
    Unsupported{"wap", ": it renders templates in Python; run that in a server of its own"},
    Unsupported{"catalog", ": it belongs to XBR"},
};

bool is_path(const std::string& path) {
  if (path == "/") return true;
  return !path.empty() && std::all_of(path.begin(), path.end(), [](unsigned char c) {
    return (c < 0x80 && std::isalnum(c) != 0) || c == '_' || c == '-';
  });
}

StaticFiles load_static(ObjectReader& object) {
  StaticFiles files;
  LoadContext& context = object.context();
  const bool package = object.find("package") != nullptr;
  const bool resource = object.find("resource") != nullptr;
  if (package || resource) {
    context.unsupported(object.path(), "static files of a Python package are not available; use \"directory\"");
  } else {
    files.directory = context.absolute(object.required_text("directory", "the path of a directory"));
  }
  if (const Json* value = object.find("options")) {
    ObjectReader options(context, *value, object.path_of("options"));
    files.enable_directory_listing = options.boolean("enable_directory_listing", false);
    files.mime_types = load_mime_types(options);
    if (const Json* timeout = options.find("cache_timeout")) {
      files.cache_timeout.reset();
      if (!timeout->is_null()) {
        files.cache_timeout = static_cast<std::uint32_t>(options.integer("cache_timeout", 0, INT32_MAX).value_or(0));
      }
    }
    files.default_file = options.text_or("default_file", "");
    options.finish();
  }
  return files;
}

JsonValue load_json_value(ObjectReader& object) {
  JsonValue json;
  if (const Json* value = object.require("value", "any JSON value")) json.value = value->dump();
  if (const Json* value = object.find("options")) {
    ObjectReader options(object.context(), *value, object.path_of("options"));
    json.prettify = options.boolean("prettify", false);
    json.allow_cross_origin = options.boolean("allow_cross_origin", true);
    json.discourage_caching = options.boolean("discourage_caching", false);
    options.finish();
  }
  return json;
}

const Unsupported* find_unsupported(std::string_view type) {
  const auto at =
      std::find_if(kUnsupported.begin(), kUnsupported.end(), [&](const auto& one) { return one.type == type; });
  return at != kUnsupported.end() ? &*at : nullptr;
}

ReverseProxy load_reverse_proxy(ObjectReader& object) {
  constexpr std::int64_t kMaxPort = 65535;
  ReverseProxy proxy;
  LoadContext& context = object.context();
  proxy.host = object.required_text("host", "a host name or an IP address");
  proxy.port = static_cast<std::uint16_t>(object.integer("port", 1, kMaxPort).value_or(proxy.port));
  proxy.path = object.text_or("path", "");
  const auto usable = [](unsigned char c) { return c > ' ' && c < 0x7f && c != '?' && c != '#'; };
  if (!proxy.path.empty() &&
      (!proxy.path.starts_with('/') || !std::all_of(proxy.path.begin(), proxy.path.end(), usable))) {
    context.error(object.path_of("path"), "\"" + proxy.path + "\" cannot be used",
                  "a path that begins with '/', percent-encoded, without a query");
  }
  if (proxy.path.ends_with('/')) proxy.path.pop_back();  // the slash before the rest is added
  proxy.forwarded_port =
      static_cast<std::uint16_t>(object.integer("forwarded_port", 1, kMaxPort).value_or(proxy.forwarded_port));
  proxy.forwarded_proto = object.choice("forwarded_proto", {"http", "https"}, 0) == 0 ? "http" : "https";
  proxy.timeout = static_cast<std::uint32_t>(object.integer("timeout", 1, 86400).value_or(proxy.timeout));
  return proxy;
}

std::vector<WebPath> load_paths(ObjectReader& object, int depth);

WebService load_service(LoadContext& context, const Json& value, const std::string& path, int depth) {
  ObjectReader object(context, value, path);
  const std::string type = object.required_text("type", kTypes);
  object.text("id");
  WebService service;
  if (type == "websocket") {
    service = load_websocket(object);
  } else if (type == "websocket-testee") {
    WebSocket websocket = load_websocket(object);
    websocket.echo = true;
    service = std::move(websocket);
  } else if (type == "gateway") {
    service = load_gateway(object);
  } else if (type == "static") {
    service = load_static(object);
  } else if (type == "json") {
    service = load_json_value(object);
  } else if (type == "redirect") {
    service = Redirect{object.required_text("url", "a URL")};
  } else if (type == "nodeinfo") {
    service = NodeInfo();
  } else if (type == "path") {
    object.require("paths", "an object of services by path");
    service = PathService{load_paths(object, depth + 1)};
  } else if (type == "publisher") {
    service = load_publisher(object);
  } else if (type == "caller") {
    service = load_caller(object);
  } else if (type == "webhook") {
    service = load_webhook(object);
  } else if (type == "longpoll") {
    service = load_longpoll(object);
  } else if (type == "reverseproxy") {
    service = load_reverse_proxy(object);
  } else if (type == "archive") {
    service = load_archive(object);
  } else if (type == "cgi") {
    service = load_cgi(object);
  } else if (type == "upload") {
    service = load_upload(object);
  } else if (const auto* other = find_unsupported(type)) {
    context.unsupported(path, "the path service \"" + type + "\" is not available" + std::string(other->advice));
    return UnsupportedService{type};
  } else if (type != "none") {
    if (!type.empty()) {
      context.error(object.path_of("type"), "\"" + type + "\" is not a path service", std::string(kTypes));
    }
    return service;
  }
  object.finish();
  return service;
}

std::vector<WebPath> load_paths(ObjectReader& object, int depth) {
  std::vector<WebPath> paths;
  if (depth > kMaxDepth) {
    object.context().error(object.path_of("paths"), "paths nest too deeply", "16 levels");
    return paths;
  }
  each_entry(object, "paths", [&](const std::string& name, const Json& value, const std::string& path) {
    if (!is_path(name)) {
      object.context().error(path, "\"" + name + "\" is not a path",
                             "one component of letters, digits, '_' and '-', or \"/\"; use a \"path\" service to nest");
    }
    paths.push_back({name, load_service(object.context(), value, path, depth)});
  });
  return paths;
}

}  // namespace

Web load_web(ObjectReader& object) {
  Web web;
  object.require("paths", "an object of services by path");
  web.paths = load_paths(object, 0);
  if (const Json* value = object.find("options")) {
    ObjectReader options(object.context(), *value, object.path_of("options"));
    web.access_log = options.boolean("access_log", false);
    options.boolean("display_tracebacks", false);
    web.hsts = options.boolean("hsts", false);
    web.hsts_max_age = static_cast<std::uint32_t>(options.integer("hsts_max_age", 0, INT32_MAX).value_or(31536000));
    if (const Json* timeout = options.find("client_timeout"); timeout != nullptr && !timeout->is_null()) {
      if (const auto seconds = options.integer("client_timeout", 1, 86400)) {
        web.client_timeout = static_cast<std::uint32_t>(*seconds);
      }
    }
    options.finish();
  }
  return web;
}

}  // namespace crosspoint::settings
