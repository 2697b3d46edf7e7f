#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Points in time as microseconds since 1970 (UTC), and as text (RFC 3339).
namespace crosspoint::base {

/// The system's clock. It may jump.
std::int64_t microseconds_now();
inline std::int64_t milliseconds_now() { return microseconds_now() / 1000; }

/// "2026-01-02T03:04:05.678901Z"
std::string to_rfc3339(std::int64_t microseconds);

/// Reads any form that RFC 3339 allows for years 1 to 9999, with `T` or a space between date and time; digits after
/// the sixth of the fraction are dropped. Nothing if `text` is none.
std::optional<std::int64_t> parse_rfc3339(std::string_view text);

}  // namespace crosspoint::base
