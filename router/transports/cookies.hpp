#pragma once

#include <string>
#include <string_view>

#include "settings/transport.hpp"

/// Cookies (RFC 6265) of WebSocket connections.
namespace crosspoint::transports {

/// Knows which cookies there are. Any thread.
class CookieIssuer {
 public:
  virtual ~CookieIssuer() = default;
  /// The cookie of a connection whose request has `offered` (empty: none): that one if it is known, else a new one.
  virtual std::string admit(std::string_view offered) = 0;
};

/// The value of a cookie in a Cookie header; empty if it is not there.
std::string_view find_cookie(std::string_view header, std::string_view name);

/// The value of a Set-Cookie header.
std::string set_cookie(const settings::Cookie& settings, std::string_view value);

}  // namespace crosspoint::transports
