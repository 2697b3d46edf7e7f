#include "serializers/base64.hpp"

#include <openssl/evp.h>

#include <algorithm>

namespace crosspoint::serializers {

std::string to_base64(base::Bytes bytes) {
  std::string text(base64_size(bytes.size()), '\0');
  write_base64(bytes, text.data());
  return text;
}

std::size_t write_base64(base::Bytes bytes, char* out) {
  if (bytes.empty()) return 0;
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out), bytes.data(), static_cast<int>(bytes.size()));
  return static_cast<std::size_t>(size);
}

bool from_base64(std::string_view text, std::vector<std::uint8_t>& out) {
  out.clear();
  if (text.size() % 4 != 0) return false;
  if (text.empty()) return true;
  const auto padding = static_cast<std::size_t>(std::count(text.end() - 2, text.end(), '='));
  if (std::any_of(text.begin(), text.end() - 2, [](char c) { return c == '='; })) return false;
  if (padding == 1 && text.back() != '=') return false;
  // OpenSSL strips white space at both ends, which base64 inside JSON must not have.
  if (text.find_first_of(" \t\r\n\v\f") != std::string_view::npos) return false;
  out.resize(text.size() / 4 * 3);
  const int size =
      EVP_DecodeBlock(out.data(), reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  if (size < 0) return false;
  out.resize(static_cast<std::size_t>(size) - padding);
  return true;
}

}  // namespace crosspoint::serializers
