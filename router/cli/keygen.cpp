#include <fmt/core.h>
#include <openssl/evp.h>

#include <array>
#include <memory>

#include "cli/commands.hpp"

namespace crosspoint::cli {
namespace {

std::string hex(const std::array<unsigned char, 32>& bytes) {
  std::string text;
  for (const unsigned char byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

/// A Curve25519 key pair, as clients use for end-to-end encryption of payloads.
int keygen() {
  const std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context(
      EVP_PKEY_CTX_new_id(EVP_PKEY_X25519, nullptr), EVP_PKEY_CTX_free);
  EVP_PKEY* generated = nullptr;
  std::array<unsigned char, 32> private_key{};
  std::array<unsigned char, 32> public_key{};
  std::size_t private_size = private_key.size();
  std::size_t public_size = public_key.size();
  if (!context || EVP_PKEY_keygen_init(context.get()) != 1 || EVP_PKEY_keygen(context.get(), &generated) != 1) {
    complain("OpenSSL cannot make a key");
    return kFailed;
  }
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(generated, EVP_PKEY_free);
  if (EVP_PKEY_get_raw_private_key(key.get(), private_key.data(), &private_size) != 1 ||
      EVP_PKEY_get_raw_public_key(key.get(), public_key.data(), &public_size) != 1) {
    complain("OpenSSL cannot show the key it made");
    return kFailed;
  }
  fmt::print("  private: {}\n   public: {}\n", hex(private_key), hex(public_key));
  return kOk;
}

}  // namespace

void add_keygen(CLI::App& app, Invocation& invocation) {
  CLI::App* command = app.add_subcommand("keygen", "make a Curve25519 key pair for end-to-end encryption");
  command->callback([&invocation] { invocation.run = keygen; });
}

}  // namespace crosspoint::cli
