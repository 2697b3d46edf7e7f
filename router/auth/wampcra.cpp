#include <fmt/core.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "auth/crypto.hpp"
#include "auth/dynamic.hpp"
#include "auth/methods.hpp"
#include "auth/stand_ins.hpp"
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
    const bool right = equal_secrets(signature, expected_);
    if (right && exists_) return Accepted{std::move(principal_)};
    return Denied{std::string(wamp::kNotAuthorized), "WAMP-CRA client signature is invalid"};
  }

 protected:
  /// `exists` false: nobody has this name, which is told by nothing but that no signature is right.
  Verdict make_challenge(const settings::WampCraUser& user, Principal principal, bool exists, wamp::SessionId session,
                         std::string_view timestamp) {
    principal_ = std::move(principal);
    exists_ = exists;
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
  bool exists_ = false;
};

/// The users of an endpoint.
class Users {
 public:
  explicit Users(const settings::StaticWampCra& settings) : settings_(settings), stand_ins_("wampcra", all_secrets()) {
    std::map<std::string, int> salts;
    for (const auto& [authid, user] : settings_.users) {
      list_.push_back(&user);
      if (user.salt && ++salts[*user.salt] == 2) shared_salts_.insert(*user.salt);
    }
  }
  Users(const Users&) = delete;
  Users& operator=(const Users&) = delete;

  /// Whom a client claims to be, or a stand-in with a secret that nobody knows; made for those who exist as well, for
  /// the time that it takes. True if there is such a user.
  bool find(const std::string& authid, settings::WampCraUser& out) const {
    const std::string seed = stand_ins_.seed(authid);
    if (!list_.empty()) out = *list_[StandIns::choose(seed, list_.size())];
    // A salt that several users have is nobody's own: one that is new would stand out.
    if (out.salt && !shared_salts_.contains(*out.salt)) out.salt = StandIns::text_like(seed, *out.salt);
    out.secret = hmac_sha256_base64(seed, "secret");
    const auto at = settings_.users.find(authid);
    const bool exists = at != settings_.users.end();
    if (exists) out = at->second;
    if (out.role.empty()) out.role = settings_.default_role;
    return exists;
  }

 private:
  std::string all_secrets() const {
    std::string all;
    for (const auto& [authid, user] : settings_.users) all += user.secret + "\n";
    return all;
  }

  const settings::StaticWampCra settings_;
  std::vector<const settings::WampCraUser*> list_;
  std::set<std::string> shared_salts_;
  const StandIns stand_ins_;
};

class StaticWampCra final : public WampCra {
 public:
  explicit StaticWampCra(const Users& users) : users_(users) {}

  Verdict begin(const Request& request) override {
    settings::WampCraUser user;
    Principal principal;
    principal.authid = request.authid;
    const bool exists = users_.find(principal.authid, user);
    principal.role = user.role;
    principal.provider = "static";
    principal.extra = request.authextra;
    return make_challenge(user, std::move(principal), exists, request.session, request.timestamp);
  }

 private:
  const Users& users_;
};

class StaticWampCraMethod final : public Method {
 public:
  explicit StaticWampCraMethod(const settings::StaticWampCra& settings) : users_(settings) {}
  std::unique_ptr<Authenticator> make_authenticator() const override { return std::make_unique<StaticWampCra>(users_); }

 private:
  const Users users_;
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
    return make_challenge(user, std::move(principal), true, session_, timestamp_);
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
  return std::make_shared<StaticWampCraMethod>(settings);
}

}  // namespace crosspoint::auth
