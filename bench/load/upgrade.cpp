#include "load/upgrade.hpp"

#include <fmt/core.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "serializers/base64.hpp"

namespace crosspoint::bench {
namespace {

constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

/// The value of a header (name in lower case); empty if there is none.
std::string_view header(std::string_view response, std::string_view name) {
  for (auto end = response.find("\r\n"); end != std::string_view::npos; end = response.find("\r\n")) {
    const std::string_view line = response.substr(0, end);
    response.remove_prefix(end + 2);
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || lower(line.substr(0, colon)) != name) continue;
    const auto first = line.find_first_not_of(" \t", colon + 1);
    if (first == std::string_view::npos) return {};
    return line.substr(first, line.find_last_not_of(" \t") - first + 1);
  }
  return {};
}

}  // namespace

Upgrade make_upgrade(const Target& target, const serializers::Serializer* serializer, base::Random& random) {
  std::array<std::uint8_t, 16> nonce;
  for (auto& byte : nonce) byte = static_cast<std::uint8_t>(random.next());
  const std::string key = serializers::to_base64(nonce);
  const std::string text = key + std::string(kGuid);
  std::array<std::uint8_t, SHA_DIGEST_LENGTH> digest;
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  Upgrade upgrade;
  upgrade.accept = serializers::to_base64(digest);
  upgrade.request = fmt::format(
      "GET {} HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
      "Sec-WebSocket-Key: {}\r\n",
      target.path, target.authority(), key);
  if (serializer != nullptr) upgrade.request += fmt::format("Sec-WebSocket-Protocol: {}\r\n", serializer->subprotocol);
  upgrade.request += "\r\n";
  return upgrade;
}

std::string check_upgrade(std::string_view response, const Upgrade& upgrade,
                          const serializers::Serializer* serializer) {
  const std::string_view status_line = response.substr(0, response.find("\r\n"));
  if (!status_line.starts_with("HTTP/1.1 ")) return "this is no WebSocket server: it does not speak HTTP/1.1";
  const std::string_view status = status_line.substr(9);
  if (!status.starts_with("101")) {
    return fmt::format("the server does not open a WebSocket there: it answers \"{}\"", status);
  }
  if (header(response, "sec-websocket-accept") != upgrade.accept) {
    return "the server's Sec-WebSocket-Accept is wrong";
  }
  const std::string_view subprotocol = header(response, "sec-websocket-protocol");
  const std::string_view wanted = serializer != nullptr ? serializer->subprotocol : std::string_view();
  if (subprotocol != wanted) {
    return fmt::format("the server does not agree to subprotocol {} (it says \"{}\")", wanted, subprotocol);
  }
  if (!header(response, "sec-websocket-extensions").empty()) return "the server uses an extension nobody asked for";
  return {};
}

}  // namespace crosspoint::bench
