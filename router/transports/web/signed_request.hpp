#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

/// The query parameters of signed requests to publishers and callers, as Crossbar has them: `key`, `timestamp`, `seq`,
/// `nonce` and `signature`.
namespace crosspoint::transports::web {

using Parameters = std::map<std::string, std::string, std::less<>>;

/// The parameters of a query ("a=1&b=%20"), each with its first value. Empty if an escape is malformed.
std::optional<Parameters> parse_query(std::string_view query);

/// "2011-10-14T16:59:51.123Z": UTC, with one to six digits behind the point.
std::optional<std::chrono::system_clock::time_point> parse_timestamp(std::string_view text);

/// What is wrong with a request's parameters, or that nothing is.
struct SignatureCheck {
  unsigned status = 200;  ///< 400 or 401 if something is wrong
  std::string problem;
  std::chrono::system_clock::time_point timestamp{};
  std::uint64_t digest = 0;  ///< of a good signature: tells it from any other
};
/// With an empty `secret` no signature is asked for, but what there is must still be well-formed. `limit`: seconds that
/// the timestamp may be off `now`; 0: any.
SignatureCheck check_signature(const Parameters& parameters, std::string_view body, std::string_view key,
                               std::string_view secret, std::chrono::seconds limit,
                               std::chrono::system_clock::time_point now);

/// GitHub's X-Hub-Signature ("sha1=" and HMAC-SHA1 of the body in hexadecimal digits).
bool is_github_signature(std::string_view header, std::string_view body, std::string_view secret);

}  // namespace crosspoint::transports::web
