#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace crosspoint::auth {

/// SHA256(bytes), as 32 bytes.
std::string sha256(std::string_view bytes);

/// HMAC-SHA256(key, text), as 32 bytes.
std::string hmac_sha256(std::string_view key, std::string_view text);

/// base64(HMAC-SHA256(key, text)).
std::string hmac_sha256_base64(std::string_view key, std::string_view text);

/// base64(PBKDF2-HMAC-SHA256(secret, salt, iterations, key_size)): the key of salted WAMP-CRA. Empty if OpenSSL
/// refuses the numbers.
std::string derive_wampcra_key(std::string_view secret, std::string_view salt, int iterations, int key_size);

/// Compares in a time that depends on the lengths only.
bool equal_secrets(std::string_view a, std::string_view b);

/// From the operating system's randomness.
std::string random_bytes(std::size_t size);

/// `size` characters of [0-9A-Za-z], from the operating system's randomness.
std::string random_text(std::size_t size);

/// An authid for somebody who has none: "XXXX-XXXX-XXXX-XXXX-XXXX-XXXX", as Crossbar makes them.
std::string random_authid();

}  // namespace crosspoint::auth
