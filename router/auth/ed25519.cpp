#include "auth/ed25519.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>

#include <memory>

namespace crosspoint::auth {
namespace {

struct Free {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Key = std::unique_ptr<EVP_PKEY, Free>;
using Context = std::unique_ptr<EVP_MD_CTX, Free>;

/// Takes back what OpenSSL noted in the thread's list of errors: TLS connections of the same thread would take it for
/// theirs.
class QuietErrors {
 public:
  QuietErrors() { ERR_set_mark(); }
  ~QuietErrors() { ERR_pop_to_mark(); }
  QuietErrors(const QuietErrors&) = delete;
  QuietErrors& operator=(const QuietErrors&) = delete;
};

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

Key private_key_of(std::string_view bytes) {
  if (bytes.size() != kEd25519KeySize) return nullptr;
  return Key(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, bytes_of(bytes), bytes.size()));
}

}  // namespace

bool verify_ed25519(std::string_view public_key, std::string_view message, std::string_view signature) {
  if (public_key.size() != kEd25519KeySize || signature.size() != kEd25519SignatureSize) return false;
  const QuietErrors quiet;
  const Key key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes_of(public_key), public_key.size()));
  const Context context(EVP_MD_CTX_new());
  return key && context && EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
         EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(message), message.size()) == 1;
}

std::string sign_ed25519(std::string_view private_key, std::string_view message) {
  const QuietErrors quiet;
  const Key key = private_key_of(private_key);
  const Context context(EVP_MD_CTX_new());
  std::string signature(kEd25519SignatureSize, '\0');
  std::size_t size = signature.size();
  const bool done = key && context && EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
                    EVP_DigestSign(context.get(), bytes_of(signature), &size, bytes_of(message), message.size()) == 1;
  return done ? signature : std::string();
}

std::string ed25519_public_key(std::string_view private_key) {
  const QuietErrors quiet;
  const Key key = private_key_of(private_key);
  std::string bytes(kEd25519KeySize, '\0');
  std::size_t size = bytes.size();
  return key && EVP_PKEY_get_raw_public_key(key.get(), bytes_of(bytes), &size) == 1 ? bytes : std::string();
}

}  // namespace crosspoint::auth
