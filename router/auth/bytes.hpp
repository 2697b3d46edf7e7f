#pragma once

#include <optional>
#include <string>
#include <string_view>

/// Bytes as text, and bitwise work on them. Texts that are not exactly in form are refused: what two texts stand for
/// is compared as text in places.
namespace crosspoint::auth {

std::string to_hex(std::string_view bytes);
/// Upper and lower case.
std::optional<std::string> from_hex(std::string_view text);

std::string to_base64(std::string_view bytes);
/// With padding, without whitespace, and with zeros in the bits that carry nothing.
std::optional<std::string> from_base64(std::string_view text);

/// Of two texts of one size.
std::string xor_bytes(std::string_view a, std::string_view b);

}  // namespace crosspoint::auth
