#include "common/users.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <stdexcept>

#include "common/table.hpp"

namespace workshop {
namespace {

constexpr int kIterations = 100000;
constexpr std::size_t kLongestName = 64;

std::string hash_of(const std::string& password, const std::string& salt) {
  unsigned char key[32];
  if (PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()),
                        reinterpret_cast<const unsigned char*>(salt.data()), static_cast<int>(salt.size()), kIterations,
                        EVP_sha256(), sizeof key, key) != 1) {
    throw std::runtime_error("hashing a password failed");
  }
  unsigned char base64[45];
  EVP_EncodeBlock(base64, key, sizeof key);
  return reinterpret_cast<const char*>(base64);
}

std::optional<Json> user(const std::string& name) { return Table("users").get(Table::id_of(name)); }

}  // namespace

std::optional<NewUser> add_user(const std::string& name) {
  const NewUser added{random_text(12), random_text(32)};
  const std::string salt = random_text(16);
  const Json document = {
      {"name", name}, {"salt", salt}, {"password", hash_of(added.password, salt)}, {"token", added.token}};
  if (!Table("users").add(Table::id_of(name), document)) return std::nullopt;
  return added;
}

std::optional<std::string> log_in(const std::string& name, const std::string& password) {
  const Json document = user(name).value_or(Json::object());
  // A name that is not there takes as long as a wrong password, and so cannot be told from it.
  const std::string hash = hash_of(password, text_at(document, "salt"));
  const std::string token = text_at(document, "token");
  if (token.empty() || !same_secret(hash, text_at(document, "password"))) return std::nullopt;
  return token;
}

std::optional<std::string> token_of(const std::string& name) {
  const std::string token = text_at(user(name).value_or(Json::object()), "token");
  if (token.empty()) return std::nullopt;
  return token;
}

std::optional<std::string> proper_name(const std::string& name) {
  const std::size_t first = name.find_first_not_of(' ');
  if (first == std::string::npos) return std::nullopt;
  std::string trimmed = name.substr(first, name.find_last_not_of(' ') - first + 1);
  if (trimmed.size() > kLongestName) return std::nullopt;
  for (const char c : trimmed) {
    if (static_cast<unsigned char>(c) < ' ' || c == 127) return std::nullopt;
  }
  return trimmed;
}

bool same_secret(const std::string& given, const std::string& right) {
  return given.size() == right.size() && CRYPTO_memcmp(given.data(), right.data(), right.size()) == 0;
}

}  // namespace workshop
