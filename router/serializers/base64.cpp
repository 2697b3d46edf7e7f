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

bool read_base64(std::string_view text, std::uint8_t* out, std::size_t& size) {
  size = 0;
  if (text.size() % 4 != 0) return false;
  if (text.empty()) return true;
  const auto padding = static_cast<std::size_t>(std::count(text.end() - 2, text.end(), '='));
  if (text.substr(0, text.size() - 2).find('=') != std::string_view::npos) return false;
  if (padding == 1 && text.back() != '=') return false;
  // OpenSSL strips white space at both ends, which base64 inside JSON must not have.
  if (text.find_first_of(" \t\r\n\v\f") != std::string_view::npos) return false;
  const int whole =
      EVP_DecodeBlock(out, reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  if (whole < 0) return false;
  size = static_cast<std::size_t>(whole) - padding;
  return true;
}

bool from_base64(std::string_view text, std::vector<std::uint8_t>& out) {
  std::size_t size = 0;
  out.resize(base64_room(text.size()));
  const bool good = read_base64(text, out.data(), size);
  out.resize(size);
  return good;
}

}  // namespace crosspoint::serializers
