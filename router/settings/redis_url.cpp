#include "settings/redis_url.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace crosspoint::settings {
namespace {

template <class Number>
bool parse_number(std::string_view text, Number& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

bool decode(std::string_view text, std::string& out) {
  out.clear();
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    std::uint8_t byte = 0;
    if (i + 2 >= text.size()) return false;
    const auto [end, error] = std::from_chars(text.data() + i + 1, text.data() + i + 3, byte, 16);
    if (error != std::errc() || end != text.data() + i + 3) return false;
    out.push_back(static_cast<char>(byte));
    i += 2;
  }
  return true;
}

bool take_scheme(std::string_view& text, RedisUrl& url) {
  for (const std::string_view scheme : {"redis://", "rediss://"}) {
    if (!text.starts_with(scheme)) continue;
    url.tls = scheme == "rediss://";
    text.remove_prefix(scheme.size());
    return true;
  }
  return false;
}

bool parse_login(std::string_view login, RedisUrl& url) {
  const auto colon = login.find(':');
  if (colon == std::string_view::npos) return false;
  return decode(login.substr(0, colon), url.user) && decode(login.substr(colon + 1), url.password) &&
         !url.password.empty();
}

bool parse_place(std::string_view place, RedisUrl& url) {
  std::string_view rest;
  if (place.starts_with('[')) {
    const auto end = place.find(']');
    if (end == std::string_view::npos) return false;
    url.host = place.substr(1, end - 1);
    rest = place.substr(end + 1);
  } else {
    const auto colon = std::min(place.find(':'), place.size());
    url.host = place.substr(0, colon);
    rest = place.substr(colon);
  }
  if (url.host.empty()) return false;
  if (rest.empty()) return true;
  return rest.starts_with(':') && parse_number(rest.substr(1), url.port) && url.port != 0;
}

}  // namespace

std::string_view parse_redis_url(std::string_view text, RedisUrl& out, std::uint16_t port) {
  RedisUrl url;
  url.port = port;
  if (!take_scheme(text, url)) return "it does not begin with redis:// or rediss://";
  // The last one: a password may have others that nobody has written as %40.
  const auto at = text.rfind('@');
  if (at != std::string_view::npos) {
    if (!parse_login(text.substr(0, at), url)) return "what is before the @ is no user:password";
    text.remove_prefix(at + 1);
  }
  const auto slash = text.find('/');
  if (slash != std::string_view::npos) {
    const std::string_view database = text.substr(slash + 1);
    if (!database.empty() && (!parse_number(database, url.database) || url.database > INT32_MAX)) {
      return "what is behind the / is no number of a database";
    }
    text = text.substr(0, slash);
  }
  if (!parse_place(text, url)) return "it has no host, or no port from 1 to 65535 behind the host's colon";
  out = std::move(url);
  return {};
}

}  // namespace crosspoint::settings
