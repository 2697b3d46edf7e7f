#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "auth/crypto.hpp"
#include "auth/dynamic.hpp"
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
class WampCra : public Authenticator {
 public:
  Verdict answer(std::string_view signature) override {
    if (equal_secrets(signature, expected_)) return Accepted{std::move(principal_)};
    return Denied{std::string(wamp::kNotAuthorized), "WAMP-CRA client signature is invalid"};
  }

 protected:
  Verdict make_challenge(const settings::WampCraUser& user, Principal principal, wamp::SessionId session,
                         std::string_view timestamp) {
    principal_ = std::move(principal);
    std::string challenge = "{";
    add_text(challenge, "authid", principal_.authid);
    add_text(challenge, "authrole", principal_.role);
    add_text(challenge, "authmethod", "wampcra");
    add_text(challenge, "authprovider", principal_.provider);
    add_number(challenge, "session", session);
    add_text(challenge, "nonce", random_text(kNonceSize));
    add_text(challenge, "timestamp", timestamp);
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

 private:
  std::string expected_;
  Principal principal_;
};

class StaticWampCra final : public WampCra {
 public:
  explicit StaticWampCra(const settings::StaticWampCra& settings) : settings_(settings) {}

  Verdict begin(const Request& request) override {
    const auto at = settings_.users.find(std::string(request.authid));
    if (at == settings_.users.end()) {
      return Denied{std::string(wamp::kNotAuthorized),
                    fmt::format("no principal with authid \"{}\" exists", request.authid)};
    }
    const settings::WampCraUser& user = at->second;
    Principal principal;
    principal.authid = at->first;
    principal.role = user.role.empty() ? settings_.default_role : user.role;
    principal.provider = "static";
    principal.extra = request.authextra;
    return make_challenge(user, std::move(principal), request.session, request.timestamp);
  }

 private:
  const settings::StaticWampCra& settings_;
};

/// The secret comes from a procedure.
class DynamicWampCra final : public WampCra {
 public:
  explicit DynamicWampCra(const settings::DynamicAuth& settings) : settings_(settings) {}

  Verdict begin(const Request& request) override {
    authid_ = request.authid;
    session_ = request.session;
    timestamp_ = request.timestamp;
    std::string more = ",\"authrole\":null,\"authid\":";
    if (authid_.empty()) {
      more += "null";
    } else {
      wamp::append_json_string(more, authid_);
    }
    return make_ask(settings_, request, request.authid, "wampcra", more);
  }

  Verdict on_reply(const Reply& reply) override {
    auto read = read_principal(settings_, reply);
    if (auto* denied = std::get_if<Denied>(&read)) return std::move(*denied);
    auto& principal = std::get<Principal>(read);
    if (principal.authid.empty()) principal.authid = authid_;
    settings::WampCraUser user;
    if (!read_secret(reply.value, user)) {
      // Crossbar's reason; its text is "Internal server error".
      return Denied{std::string(wamp::kAuthorizationFailed),
                    "the dynamic authenticator for wampcra must return a dictionary with a secret, and with salt, "
                    "iterations and keylen if it is salted"};
    }
    return make_challenge(user, std::move(principal), session_, timestamp_);
  }

 private:
  static bool read_secret(const nlohmann::json& value, settings::WampCraUser& user) {
    const auto secret = value.find("secret");
    if (!value.is_object() || secret == value.end() || !secret->is_string()) return false;
    user.secret = secret->get<std::string>();
    const auto salt = value.find("salt");
    const auto iterations = value.find("iterations");
    const auto keylen = value.find("keylen");
    if (salt == value.end() || iterations == value.end() || keylen == value.end()) return true;
    if (salt->is_null() || iterations->is_null() || keylen->is_null()) return true;
    // The bounds keep a mistake from costing the router minutes of work.
    const auto in_range = [](const nlohmann::json& number, int most) {
      return number.is_number_integer() && number > 0 && number <= most;
    };
    if (!salt->is_string() || !in_range(*iterations, 10000000) || !in_range(*keylen, 1024)) return false;
    user.salt = salt->get<std::string>();
    user.iterations = iterations->get<int>();
    user.keylen = keylen->get<int>();
    return true;
  }

  const settings::DynamicAuth& settings_;
  std::string authid_;
  std::string timestamp_;
  wamp::SessionId session_ = 0;
};

}  // namespace

std::shared_ptr<const Method> make_dynamic_wampcra(const settings::DynamicAuth& settings) {
  return std::make_shared<SimpleMethod<DynamicWampCra, settings::DynamicAuth>>(settings);
}

std::shared_ptr<const Method> make_wampcra(const settings::StaticWampCra& settings) {
  return std::make_shared<SimpleMethod<StaticWampCra, settings::StaticWampCra>>(settings);
}

}  // namespace crosspoint::auth
