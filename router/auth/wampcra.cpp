#include <fmt/core.h>

#include "auth/crypto.hpp"
#include "auth/methods.hpp"
#include "wamp/errors.hpp"
#include "wamp/payload.hpp"

namespace crosspoint::auth {
namespace {

constexpr std::size_t kNonceSize = 64;

/// Adds `"name": "value"` to the JSON text of an object.
void add_text(std::string& json, std::string_view name, std::string_view value) {
  json += json.size() > 1 ? ", \"" : "\"";
  json += name;
  json += "\": ";
  wamp::append_json_string(json, value);
}
void add_number(std::string& json, std::string_view name, std::uint64_t value) {
  json += fmt::format("{}\"{}\": {}", json.size() > 1 ? ", " : "", name, value);
}

/// "Challenge Response Authentication": the client signs a challenge with a secret that it does not show.
class WampCra final : public Authenticator {
 public:
  explicit WampCra(const settings::StaticWampCra& settings) : settings_(settings) {}

  Verdict begin(const Request& request) override {
    const auto at = settings_.users.find(std::string(request.authid));
    if (at == settings_.users.end()) {
      return Denied{wamp::kNotAuthorized, fmt::format("no principal with authid \"{}\" exists", request.authid)};
    }
    const settings::WampCraUser& user = at->second;
    principal_.authid = at->first;
    principal_.role = user.role.empty() ? settings_.default_role : user.role;
    principal_.provider = "static";
    principal_.extra = request.authextra;
    return make_challenge(user, request);
  }

  Verdict answer(std::string_view signature) override {
    if (equal_secrets(signature, expected_)) return Accepted{std::move(principal_)};
    return Denied{wamp::kNotAuthorized, "WAMP-CRA client signature is invalid"};
  }

 private:
  Verdict make_challenge(const settings::WampCraUser& user, const Request& request) {
    std::string challenge = "{";
    add_text(challenge, "authid", principal_.authid);
    add_text(challenge, "authrole", principal_.role);
    add_text(challenge, "authmethod", "wampcra");
    add_text(challenge, "authprovider", principal_.provider);
    add_number(challenge, "session", request.session);
    add_text(challenge, "nonce", random_text(kNonceSize));
    add_text(challenge, "timestamp", request.timestamp);
    challenge += "}";
    std::string extra = "{";
    add_text(extra, "challenge", challenge);
    std::string key = user.secret;
    if (user.salt && user.iterations && user.keylen) {
      add_text(extra, "salt", *user.salt);
      add_number(extra, "iterations", static_cast<std::uint64_t>(*user.iterations));
      add_number(extra, "keylen", static_cast<std::uint64_t>(*user.keylen));
      key = derive_wampcra_key(user.secret, *user.salt, *user.iterations, *user.keylen);
    }
    extra += "}";
    expected_ = hmac_sha256_base64(key, challenge);
    return Challenge{std::move(extra), principal_};
  }

  const settings::StaticWampCra& settings_;
  std::string expected_;
  Principal principal_;
};

class WampCraMethod final : public Method {
 public:
  explicit WampCraMethod(settings::StaticWampCra settings) : settings_(std::move(settings)) {}
  std::unique_ptr<Authenticator> make_authenticator() const override { return std::make_unique<WampCra>(settings_); }

 private:
  settings::StaticWampCra settings_;
};

}  // namespace

std::shared_ptr<const Method> make_wampcra(const settings::StaticWampCra& settings) {
  return std::make_shared<WampCraMethod>(settings);
}

}  // namespace crosspoint::auth
