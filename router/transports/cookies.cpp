#include "transports/cookies.hpp"

#include <fmt/core.h>

namespace crosspoint::transports {

std::string_view find_cookie(std::string_view header, std::string_view name) {
  while (!header.empty()) {
    const auto end = header.find(';');
    std::string_view pair = header.substr(0, end);
    header = end == std::string_view::npos ? std::string_view() : header.substr(end + 1);
    pair.remove_prefix(std::min(pair.find_first_not_of(" \t"), pair.size()));
    if (!pair.starts_with(name) || pair.size() <= name.size() || pair[name.size()] != '=') continue;
    std::string_view value = pair.substr(name.size() + 1);
    value = value.substr(0, value.find_last_not_of(" \t") + 1);
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
    return value;
  }
  return {};
}

std::string set_cookie(const settings::Cookie& settings, std::string_view value) {
  std::string text = fmt::format("{}={};max-age={}", settings.name, value, settings.max_age);
  if (settings.secure) text += ";Secure";
  if (settings.http_strict) text += ";HttpOnly";
  if (!settings.same_site.empty()) text += ";SameSite=" + settings.same_site;
  return text;
}

}  // namespace crosspoint::transports
