#include <algorithm>
#include <cctype>

#include "settings/object_reader.hpp"

namespace crosspoint::settings {
namespace {

constexpr std::int64_t kMost = INT32_MAX;

std::uint32_t number(ObjectReader& object, std::string_view key, std::int64_t least, std::int64_t most,
                     std::uint32_t fallback) {
  return static_cast<std::uint32_t>(object.integer(key, least, most).value_or(fallback));
}

/// 0 turns a time limit off; others are at least a second, so that nobody takes the milliseconds for seconds.
std::uint32_t milliseconds(ObjectReader& object, std::string_view key) {
  const auto value = object.integer(key, 0, kMost);
  if (value && *value > 0 && *value < 1000) {
    object.context().error(object.path_of(key), std::to_string(*value) + " is too short",
                           "0 (off), or milliseconds from 1000 on");
  }
  return static_cast<std::uint32_t>(value.value_or(0));
}

int window_bits(ObjectReader& object, std::string_view key, bool zero_allowed, int fallback) {
  const auto value = object.integer(key, 0, 15);
  if (!value) return fallback;
  if ((*value == 0 && !zero_allowed) || (*value > 0 && *value < 9)) {
    object.context().error(object.path_of(key), std::to_string(*value) + " is not a window size",
                           zero_allowed ? "0, or 9 to 15" : "9 to 15");
  }
  return static_cast<int>(*value);
}

void load_compression(ObjectReader& options, WebSocketOptions& out) {
  const Json* value = options.find("compression");
  if (value == nullptr) return;
  LoadContext& context = options.context();
  ObjectReader compression(context, *value, options.path_of("compression"));
  if (const Json* deflate = compression.find("deflate")) {
    ObjectReader object(context, *deflate, compression.path_of("deflate"));
    Deflate settings;
    settings.request_no_context_takeover = object.boolean("request_no_context_takeover", false);
    settings.request_max_window_bits = window_bits(object, "request_max_window_bits", true, 0);
    settings.no_context_takeover = object.boolean("no_context_takeover", false);
    settings.max_window_bits = window_bits(object, "max_window_bits", false, 15);
    settings.memory_level = static_cast<int>(object.integer("memory_level", 1, 9).value_or(8));
    object.finish();
    out.compression = settings;
  }
  compression.finish();
}

void load_pings(ObjectReader& options, WebSocketOptions& out) {
  out.auto_ping_interval_ms = number(options, "auto_ping_interval", 0, kMost, 0);
  out.auto_ping_timeout_ms = number(options, "auto_ping_timeout", 0, kMost, 0);
  out.auto_ping_size = number(options, "auto_ping_size", 12, 125, 12);
  out.auto_ping_restart_on_any_traffic = options.boolean("auto_ping_restart_on_any_traffic", true);
}

void load_frames(ObjectReader& options, WebSocketOptions& out) {
  out.validate_utf8 = options.boolean("validate_utf8", true);
  out.mask_server_frames = options.boolean("mask_server_frames", false);
  out.require_masked_client_frames = options.boolean("require_masked_client_frames", true);
  out.apply_mask = options.boolean("apply_mask", true);
  out.max_frame_size = number(options, "max_frame_size", 0, kMaxMessageSize, 0);
  out.max_message_size =
      number(options, "max_message_size", 0, kMaxMessageSize, static_cast<std::uint32_t>(out.max_message_size));
  out.auto_fragment_size = number(options, "auto_fragment_size", 0, kMost, 0);
  out.fail_by_drop = options.boolean("fail_by_drop", false);
  out.echo_close_codereason = options.boolean("echo_close_codereason", false);
}

}  // namespace

void load_queue_options(ObjectReader& options, QueueOptions& out) {
  constexpr std::int64_t kLeastQueue = 64 * 1024;
  constexpr std::int64_t kMostQueue = 1024 * 1024 * 1024;
  if (const auto size = options.integer("max_queued_bytes", kLeastQueue, kMostQueue)) {
    out.max_queued_bytes = static_cast<std::size_t>(*size);
  }
  out.slow_receiver = static_cast<SlowReceiver>(options.choice("slow_receiver", {"drop", "disconnect"}, 0));
  constexpr std::int64_t kLongestWait = 10 * 60 * 1000;
  out.max_stream_wait_ms = number(options, "max_stream_wait", 1000, kLongestWait, 20'000);
}

void load_websocket_options(ObjectReader& object, WebSocketOptions& out) {
  const Json* value = object.find("options");
  if (value == nullptr) return;
  ObjectReader options(object.context(), *value, object.path_of("options"));
  if (options.find("allowed_origins") != nullptr) out.allowed_origins = options.texts("allowed_origins");
  out.allow_null_origin = options.boolean("allow_null_origin", true);
  if (const Json* port = options.find("external_port"); port != nullptr && !port->is_null()) {
    if (const auto checked = options.integer("external_port", 1, 65535)) {
      out.external_port = static_cast<std::uint16_t>(*checked);
    }
  }
  out.enable_hybi10 = options.boolean("enable_hybi10", true);
  out.enable_rfc6455 = options.boolean("enable_rfc6455", true);
  out.open_handshake_timeout_ms = milliseconds(options, "open_handshake_timeout");
  out.close_handshake_timeout_ms = milliseconds(options, "close_handshake_timeout");
  out.enable_webstatus = options.boolean("enable_webstatus", true);
  load_frames(options, out);
  out.tcp_nodelay = options.boolean("tcp_nodelay", true);
  load_pings(options, out);
  load_compression(options, out);
  out.require_websocket_subprotocol = options.boolean("require_websocket_subprotocol", true);
  out.show_server_version = options.boolean("show_server_version", false);
  if (const Json* flash = options.find("enable_flash_policy"); flash != nullptr && *flash == true) {
    options.context().warn(options.path_of("enable_flash_policy"), "has no effect: there are no Flash clients any more",
                           "false");
  }
  options.ignore("flash_policy");
  load_queue_options(options, out.queue);
  options.finish();
}

std::vector<std::string> load_serializers(ObjectReader& object, const std::vector<std::string_view>& known) {
  std::vector<std::string> names = object.texts("serializers");
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string path = object.path_of("serializers") + "[" + std::to_string(i) + "]";
    if (names[i] == "flatbuffers") {
      object.context().unsupported(path, "the serializer \"" + names[i] + "\" is not available");
    } else if (std::find(known.begin(), known.end(), names[i]) == known.end()) {
      object.context().error(path, "\"" + names[i] + "\" is not a serializer", "json, msgpack, cbor, ubjson");
    }
  }
  return names;
}

std::optional<Cookie> load_cookie(ObjectReader& object) {
  const Json* value = object.find("cookie");
  if (value == nullptr) return std::nullopt;
  LoadContext& context = object.context();
  ObjectReader reader(context, *value, object.path_of("cookie"));
  Cookie cookie;
  cookie.name = reader.text_or("name", "cbtid");
  const auto good = [](unsigned char c) { return std::islower(c) != 0 || std::isdigit(c) != 0 || c == '_'; };
  if (cookie.name.size() < 2 || std::islower(static_cast<unsigned char>(cookie.name[0])) == 0 ||
      !std::all_of(cookie.name.begin(), cookie.name.end(), good)) {
    context.error(reader.path_of("name"), "\"" + cookie.name + "\" is not a cookie name",
                  "a lower-case letter, then lower-case letters, digits and '_'");
  }
  cookie.length = number(reader, "length", 6, 64, 24);
  cookie.max_age = number(reader, "max_age", 1, 10LL * 365 * 24 * 3600, 604800);
  cookie.secure = reader.boolean("secure", false);
  cookie.http_strict = reader.boolean("http_strict", false);
  if (reader.find("same_site") != nullptr) {
    const std::vector<std::string_view> names{"Strict", "Lax", "None"};
    cookie.same_site = names[reader.choice("same_site", names, 0)];
  }
  if (const Json* store = reader.require("store", "an object with type memory, file or database")) {
    ObjectReader details(context, *store, reader.path_of("store"));
    details.require("type", "memory, file, database");
    cookie.store = static_cast<Cookie::Store>(details.choice("type", {"memory", "file", "database"}, 0));
    const bool file = cookie.store == Cookie::Store::file;
    if (cookie.store != Cookie::Store::memory) {
      cookie.store_path = context.absolute(details.required_text(file ? "filename" : "path", "a file name"));
      cookie.purge_on_startup = details.boolean("purge_on_startup", false);
    }
    if (cookie.store == Cookie::Store::database) {
      constexpr std::int64_t kLeast = 128 * 1024;
      constexpr std::int64_t kMostBytes = 128LL * 1024 * 1024 * 1024;
      if (const auto size = details.integer("maxsize", kLeast, kMostBytes)) {
        cookie.max_size = static_cast<std::uint64_t>(*size);
      }
      cookie.readonly = details.boolean("readonly", false);
      cookie.sync = details.boolean("sync", true);
    }
    cookie.limit = number(details, "limit", 1, 10'000'000, cookie.limit);
    details.finish();
  }
  if (cookie.same_site == "None" && !cookie.secure) {
    context.warn(reader.path_of("same_site"), "browsers drop cookies with SameSite=None that are not Secure",
                 "\"secure\": true");
  }
  reader.finish();
  return cookie;
}

void warn_of_cookies(ObjectReader& object, const Auth& auth, bool have_cookies) {
  const bool wanted = std::any_of(auth.begin(), auth.end(), [](const auto& method) { return method.name == "cookie"; });
  if (!wanted || have_cookies) return;
  object.context().warn(object.path_of("auth") + ".cookie", "nobody can sign in by cookie, since there are none here",
                        "\"cookie\" beside \"auth\" of a WebSocket");
}

WebSocket load_websocket(ObjectReader& object) {
  WebSocket websocket;
  websocket.url = object.text_or("url", "");
  if (!websocket.url.empty() && !websocket.url.starts_with("ws://") && !websocket.url.starts_with("wss://")) {
    object.context().error(object.path_of("url"), "\"" + websocket.url + "\" is not a WebSocket URL",
                           "ws://... or wss://...");
  }
  websocket.serializers = load_serializers(object, {"json", "msgpack", "cbor", "ubjson"});
  object.boolean("debug", false);
  load_websocket_options(object, websocket.options);
  websocket.auth = load_auth(object);
  websocket.cookie = load_cookie(object);
  warn_of_cookies(object, websocket.auth, websocket.cookie.has_value());
  return websocket;
}

void load_rawsocket(ObjectReader& object, RawSocket& out) {
  out.serializers = load_serializers(object, {"json", "msgpack", "cbor", "ubjson"});
  object.boolean("debug", false);
  if (const Json* value = object.find("options")) {
    ObjectReader options(object.context(), *value, object.path_of("options"));
    if (const auto size = options.integer("max_message_size", 1, kMaxMessageSize)) {
      out.max_message_size = static_cast<std::size_t>(*size);
    }
    out.auto_ping_interval_ms = number(options, "auto_ping_interval", 0, kMost, 0);
    out.auto_ping_timeout_ms = number(options, "auto_ping_timeout", 0, kMost, 0);
    load_queue_options(options, out.queue);
    options.finish();
  }
  out.auth = load_auth(object);
  warn_of_cookies(object, out.auth, false);
}

}  // namespace crosspoint::settings
