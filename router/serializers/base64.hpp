#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"

namespace crosspoint::serializers {

/// Base64 with padding (RFC 4648, section 4).
std::string to_base64(base::Bytes bytes);
/// Characters that so many bytes become.
constexpr std::size_t base64_size(std::size_t bytes) { return (bytes + 2) / 3 * 4; }
/// Writes base64_size() characters and a zero behind them; returns how many characters.
std::size_t write_base64(base::Bytes bytes, char* out);
/// Room that read_base64() needs for so many characters.
constexpr std::size_t base64_room(std::size_t characters) { return characters / 4 * 3; }
/// Writes the bytes that `text` stands for and says how many they are. False if `text` is not base64.
bool read_base64(std::string_view text, std::uint8_t* out, std::size_t& size);
/// The same into a vector.
bool from_base64(std::string_view text, std::vector<std::uint8_t>& out);

}  // namespace crosspoint::serializers
