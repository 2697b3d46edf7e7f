#pragma once

#include <cstddef>
#include <string>
#include <string_view>

/// Ed25519 (RFC 8032) by OpenSSL. Keys, messages and signatures are raw bytes.
namespace crosspoint::auth {

constexpr std::size_t kEd25519KeySize = 32;  ///< of public and private keys
constexpr std::size_t kEd25519SignatureSize = 64;

/// False as well if the key or the signature is none.
bool verify_ed25519(std::string_view public_key, std::string_view message, std::string_view signature);

/// Empty if `private_key` is none.
std::string sign_ed25519(std::string_view private_key, std::string_view message);

/// The public key that belongs to a private key; empty if that is none.
std::string ed25519_public_key(std::string_view private_key);

}  // namespace crosspoint::auth
