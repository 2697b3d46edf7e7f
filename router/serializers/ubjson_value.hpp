#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/bytes.hpp"

/// UBJSON values as trees. nlohmann's own functions know no binary values there.
namespace crosspoint::serializers {

/// False if the bytes are not exactly one value, or nest deeper than kMaxDepth.
bool parse_ubjson(base::Bytes bytes, nlohmann::json& out);
/// Infinities and not-a-number become null, as the format demands.
void append_ubjson(const nlohmann::json& value, std::string& out);

}  // namespace crosspoint::serializers
