#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"

namespace crosspoint::serializers {

/// Base64 with padding (RFC 4648, section 4).
std::string to_base64(base::Bytes bytes);
/// False if `text` is not base64.
bool from_base64(std::string_view text, std::vector<std::uint8_t>& out);

}  // namespace crosspoint::serializers
