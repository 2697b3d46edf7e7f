#include "auth/crypto.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

#include "auth/bytes.hpp"
#include "base/random.hpp"

namespace crosspoint::auth {
namespace {

std::string random_from(std::string_view alphabet, std::size_t size) {
  std::string text;
  while (text.size() < size) {
    std::array<std::uint8_t, 64> bytes;
    base::fill_secure_random(bytes.data(), bytes.size());
    const std::size_t fair = 256 - 256 % alphabet.size();  // above it some characters would come more often
    for (const std::uint8_t byte : bytes) {
      if (byte < fair && text.size() < size) text.push_back(alphabet[byte % alphabet.size()]);
    }
  }
  return text;
}

}  // namespace

std::string sha256(std::string_view bytes) {
  std::string digest(32, '\0');
  EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(digest.data()), nullptr, EVP_sha256(),
             nullptr);
  return digest;
}

std::string hmac_sha256(std::string_view key, std::string_view text) {
  std::string digest(32, '\0');
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()),
       text.size(), reinterpret_cast<unsigned char*>(digest.data()), nullptr);
  return digest;
}

std::string hmac_sha256_base64(std::string_view key, std::string_view text) {
  return to_base64(hmac_sha256(key, text));
}

std::string derive_wampcra_key(std::string_view secret, std::string_view salt, int iterations, int key_size) {
  if (iterations < 1 || key_size < 1) return {};
  std::string key(static_cast<std::size_t>(key_size), '\0');
  const int done = PKCS5_PBKDF2_HMAC(secret.data(), static_cast<int>(secret.size()),
                                     reinterpret_cast<const unsigned char*>(salt.data()), static_cast<int>(salt.size()),
                                     iterations, EVP_sha256(), key_size, reinterpret_cast<unsigned char*>(key.data()));
  return done == 1 ? to_base64(key) : std::string();
}

bool equal_secrets(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string random_bytes(std::size_t size) {
  std::string bytes(size, '\0');
  base::fill_secure_random(bytes.data(), bytes.size());
  return bytes;
}

std::string random_text(std::size_t size) {
  return random_from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", size);
}

std::string random_authid() {
  // Without the characters that are easily taken for others.
  const std::string characters = random_from("345679ACEFGHJKLMNPQRSTUVWXY", 24);
  std::string authid;
  for (std::size_t i = 0; i < characters.size(); ++i) {
    if (i > 0 && i % 4 == 0) authid.push_back('-');
    authid.push_back(characters[i]);
  }
  return authid;
}

}  // namespace crosspoint::auth
