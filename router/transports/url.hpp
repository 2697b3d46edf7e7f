#pragma once

#include <string>
#include <string_view>

namespace crosspoint::transports {

/// Decodes %XX. False if an escape is malformed or stands for a zero byte.
bool percent_decode(std::string_view text, std::string& out);

/// Splits a request target ("/a%20b?x=1", or an absolute URL) into its decoded path and the query as sent. False if it
/// is malformed. The path is not normalised: "." and ".." are left to whoever gives them a meaning.
bool split_target(std::string_view target, std::string& path, std::string& query);

}  // namespace crosspoint::transports
