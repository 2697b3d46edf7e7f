#include "transports/websocket_upgrade.hpp"

#include <fmt/core.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "serializers/base64.hpp"

namespace crosspoint::transports {
namespace {

/// What the names of subprotocols with batches end in.
constexpr std::string_view kBatched = ".batched";
constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::vector<std::string_view> split_list(std::string_view text) {
  std::vector<std::string_view> items;
  while (!text.empty()) {
    const auto comma = text.find(',');
    if (const auto item = trim(text.substr(0, comma)); !item.empty()) items.push_back(item);
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
  }
  return items;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

bool has_token(std::string_view list, std::string_view token) {
  const auto items = split_list(list);
  return std::any_of(items.begin(), items.end(), [&](auto item) { return equal_ignoring_case(item, token); });
}

std::string accept_key(std::string_view key) {
  const std::string text = std::string(key) + std::string(kGuid);
  std::array<std::uint8_t, SHA_DIGEST_LENGTH> digest;
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return serializers::to_base64(digest);
}

bool is_key(std::string_view key) {
  std::vector<std::uint8_t> bytes;
  return key.size() == 24 && serializers::from_base64(key, bytes) && bytes.size() == 16;
}

/// '*' stands for any text.
bool matches_pattern(std::string_view pattern, std::string_view text) {
  const auto star = pattern.find('*');
  if (star == std::string_view::npos) return equal_ignoring_case(pattern, text);
  if (text.size() < star || !equal_ignoring_case(pattern.substr(0, star), text.substr(0, star))) return false;
  for (std::size_t skip = star; skip <= text.size(); ++skip) {
    if (matches_pattern(pattern.substr(star + 1), text.substr(skip))) return true;
  }
  return false;
}

/// "scheme://host:port", with the default port of the scheme filled in.
std::string with_port(std::string_view origin) {
  std::string text(origin);
  const auto host = text.find("://");
  if (host == std::string::npos) return text;
  const auto bracket = text.find(']', host);
  const auto colon = text.find(':', bracket == std::string::npos ? host + 3 : bracket);
  if (colon != std::string::npos) return text;
  if (text.starts_with("http://") || text.starts_with("ws://")) return text + ":80";
  if (text.starts_with("https://") || text.starts_with("wss://")) return text + ":443";
  return text;
}

/// The port in a Host header; 0 if there is none.
unsigned port_of(std::string_view host) {
  const auto bracket = host.rfind(']');
  const auto colon = host.rfind(':');
  if (colon == std::string_view::npos || (bracket != std::string_view::npos && colon < bracket)) return 0;
  unsigned port = 0;
  for (const char c : host.substr(colon + 1)) {
    if (std::isdigit(static_cast<unsigned char>(c)) == 0 || port > 65535) return 0;
    port = port * 10 + static_cast<unsigned>(c - '0');
  }
  return port;
}

/// What is wrong with the request as a handshake; empty if nothing. `status` may be changed from 400.
std::string problem_of(const HttpRequest& request, const settings::WebSocketOptions& options, unsigned& status) {
  if (request.method != "GET") return "WebSocket needs the method GET";
  if (request.http_1_0) return "WebSocket needs HTTP/1.1";
  if (!has_token(request.joined_header("connection"), "upgrade")) return "HTTP Connection header without \"Upgrade\"";
  const std::string_view host = request.header("host");
  if (host.empty()) return "HTTP Host header missing";
  if (options.external_port && port_of(host) != *options.external_port &&
      (port_of(host) != 0 || *options.external_port != 80)) {
    return fmt::format("port in HTTP Host header does not match the port {} of this server", *options.external_port);
  }
  const std::string version = request.joined_header("sec-websocket-version");
  const bool known = (version == "13" && options.enable_rfc6455) || (version == "8" && options.enable_hybi10);
  if (!known) {
    status = 426;
    return "WebSocket version missing or not supported";
  }
  if (!is_key(request.header("sec-websocket-key"))) return "Sec-WebSocket-Key missing or malformed";
  const std::string_view origin = request.header(version == "8" ? "sec-websocket-origin" : "origin");
  if (origin.empty()) return {};
  const bool null_origin = origin == "null" || origin.starts_with("file:");
  const bool allowed = null_origin ? options.allow_null_origin : is_origin_allowed(origin, options.allowed_origins);
  return allowed ? std::string() : fmt::format("WebSocket connection denied: origin '{}' not allowed", origin);
}

std::string names_of(const std::vector<const serializers::Serializer*>& serializers) {
  std::string names;
  for (const auto& subprotocol : subprotocols_of(serializers)) names += (names.empty() ? "" : ", ") + subprotocol;
  return names;
}

/// Picks the first subprotocol of the client's list that the endpoint speaks. Returns what is wrong, or nothing.
std::string choose_subprotocol(const HttpRequest& request, const settings::WebSocketOptions& options,
                               const std::vector<const serializers::Serializer*>& serializers,
                               WebSocketUpgrade& upgrade) {
  if (serializers.empty()) return {};
  const std::string header = request.joined_header("sec-websocket-protocol");
  auto offered = split_list(header);
  for (const std::string_view name : offered) {
    if (std::count(offered.begin(), offered.end(), name) > 1) return "duplicate WebSocket subprotocols";
  }
  for (const std::string_view name : offered) {
    const bool batched = name.ends_with(kBatched);
    const std::string_view plain = name.substr(0, name.size() - (batched ? kBatched.size() : 0));
    for (const auto* serializer : serializers) {
      if (serializer->subprotocol != plain) continue;
      upgrade.serializer = serializer;
      upgrade.batched = batched;
      upgrade.subprotocol = name;
      return {};
    }
  }
  if (offered.empty() && !options.require_websocket_subprotocol) {
    const auto& json = serializers::of(wamp::Encoding::json);
    if (std::find(serializers.begin(), serializers.end(), &json) != serializers.end()) {
      upgrade.serializer = &json;
      return {};
    }
  }
  return "This server only speaks WebSocket subprotocols " + names_of(serializers);
}

DeflateSettings deflate_settings(const settings::Deflate& deflate) {
  return {deflate.request_no_context_takeover, deflate.request_max_window_bits, deflate.no_context_takeover,
          deflate.max_window_bits, deflate.memory_level};
}

WebSocketUpgrade refusal(unsigned status, const std::string& problem, const settings::WebSocketOptions& options) {
  WebSocketUpgrade upgrade;
  upgrade.response = HttpResponse::text(status, problem + "\n");
  if (status == 426) {
    upgrade.response.set("Sec-WebSocket-Version", options.enable_hybi10 ? "13, 8" : "13");
    upgrade.response.set("Upgrade", "websocket");
    upgrade.response.set("Connection", "Upgrade");
  }
  upgrade.response.close = true;
  return upgrade;
}

void accept(const HttpRequest& request, const settings::WebSocketOptions& options, WebSocketUpgrade& upgrade) {
  upgrade.response.status = 101;
  upgrade.response.set("Upgrade", "websocket");
  upgrade.response.set("Connection", "Upgrade");
  upgrade.response.set("Sec-WebSocket-Accept", accept_key(request.header("sec-websocket-key")));
  if (!upgrade.subprotocol.empty()) upgrade.response.set("Sec-WebSocket-Protocol", upgrade.subprotocol);
  if (!options.compression) return;
  upgrade.deflate =
      negotiate_deflate(request.joined_header("sec-websocket-extensions"), deflate_settings(*options.compression));
  if (upgrade.deflate) upgrade.response.set("Sec-WebSocket-Extensions", upgrade.deflate->response);
}

}  // namespace

std::vector<std::string> subprotocols_of(const std::vector<const serializers::Serializer*>& serializers) {
  std::vector<std::string> names;
  for (const auto* serializer : serializers) {
    names.emplace_back(serializer->subprotocol);
    names.push_back(names.back() + std::string(kBatched));
  }
  return names;
}

bool is_upgrade(const HttpRequest& request) { return has_token(request.joined_header("upgrade"), "websocket"); }

bool is_origin_allowed(std::string_view origin, const std::vector<std::string>& patterns) {
  const std::string full = with_port(origin);
  const auto scheme = full.find("://");
  const std::string_view host =
      scheme == std::string::npos ? std::string_view(full) : std::string_view(full).substr(scheme + 3);
  return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
    return matches_pattern(pattern, origin) || matches_pattern(with_port(pattern), full) ||
           matches_pattern(pattern, host);
  });
}

WebSocketUpgrade negotiate_upgrade(const HttpRequest& request, const settings::WebSocketOptions& options,
                                   const std::vector<const serializers::Serializer*>& serializers) {
  WebSocketUpgrade upgrade;
  unsigned status = 400;
  std::string problem = problem_of(request, options, status);
  if (problem.empty()) problem = choose_subprotocol(request, options, serializers, upgrade);
  if (!problem.empty()) return refusal(status, problem, options);
  accept(request, options, upgrade);
  return upgrade;
}

WebSocketUpgrade negotiate_plain_upgrade(const HttpRequest& request, const settings::WebSocketOptions& options,
                                         const std::vector<std::string>& subprotocols) {
  WebSocketUpgrade upgrade;
  unsigned status = 400;
  const std::string problem = problem_of(request, options, status);
  if (!problem.empty()) return refusal(status, problem, options);
  const std::string header = request.joined_header("sec-websocket-protocol");
  for (const std::string_view name : split_list(header)) {
    if (std::find(subprotocols.begin(), subprotocols.end(), name) == subprotocols.end()) continue;
    upgrade.subprotocol = name;
    break;
  }
  accept(request, options, upgrade);
  return upgrade;
}

}  // namespace crosspoint::transports
