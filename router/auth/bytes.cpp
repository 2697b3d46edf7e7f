#include "auth/bytes.hpp"

#include <vector>

#include "base/bytes.hpp"
#include "serializers/base64.hpp"

namespace crosspoint::auth {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

/// -1 if it is none.
int hex_value(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

}  // namespace

std::string to_hex(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text.push_back(kHexDigits[byte >> 4]);
    text.push_back(kHexDigits[byte & 15]);
  }
  return text;
}

std::optional<std::string> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  bytes.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = hex_value(text[i]);
    const int low = hex_value(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes.push_back(static_cast<char>(high << 4 | low));
  }
  return bytes;
}

std::string to_base64(std::string_view bytes) { return serializers::to_base64(base::as_bytes(bytes)); }

std::optional<std::string> from_base64(std::string_view text) {
  std::vector<std::uint8_t> decoded;
  if (!serializers::from_base64(text, decoded)) return std::nullopt;
  std::string bytes(decoded.begin(), decoded.end());
  // Bits that carry nothing may be anything there: what does not come out again was not in form.
  if (to_base64(bytes) != text) return std::nullopt;
  return bytes;
}

std::string xor_bytes(std::string_view a, std::string_view b) {
  std::string out(a);
  for (std::size_t i = 0; i < out.size() && i < b.size(); ++i) out[i] = static_cast<char>(out[i] ^ b[i]);
  return out;
}

}  // namespace crosspoint::auth
