#include <fmt/core.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "auth/bytes.hpp"
#include "auth/crypto.hpp"
#include "auth/dynamic.hpp"
#include "auth/methods.hpp"
#include "auth/stand_ins.hpp"
#include "wamp/errors.hpp"

namespace crosspoint::auth {
namespace {

using nlohmann::json;

constexpr std::size_t kNonceSize = 16;
constexpr std::size_t kLongestClientNonce = 1024;
constexpr std::size_t kKeySize = 32;

Denied not_authorized(std::string_view message) { return {std::string(wamp::kNotAuthorized), std::string(message)}; }

/// What the router knows of a user's password: enough to check a proof, too little to make one. The password goes
/// through PBKDF2 or Argon2id at the client only; here they are names and numbers that are handed on.
struct Record {
  std::string kdf;
  int iterations = 0;
  int memory = 0;
  std::string salt, stored_key, server_key;  ///< raw bytes
};

/// settings::scram_problem() has found nothing.
Record make_record(const settings::ScramPrincipal& from) {
  const auto bytes = [](const std::string& text) { return from_hex(text).value_or(""); };
  return {from.kdf, from.iterations, from.memory, bytes(from.salt), bytes(from.stored_key), bytes(from.server_key)};
}

/// "Salted Challenge Response Authentication", as Crossbar and Autobahn speak it: `scram` is its name, the nonces are
/// put together before they are encoded, and the channel binding is empty.
class Scram : public Authenticator {
 public:
  Verdict answer(std::string_view signature) override {
    const auto proof = from_base64(signature);
    if (!proof || proof->size() != kKeySize) return not_authorized("client proof must be 32 bytes in base64");
    const std::string client_signature = hmac_sha256(record_.stored_key, auth_message_);
    const std::string client_key = xor_bytes(client_signature, *proof);
    const std::string server_signature = hmac_sha256(record_.server_key, auth_message_);
    const bool right = equal_secrets(sha256(client_key), record_.stored_key);
    if (!right || !exists_) return not_authorized("SCRAM authentication failed");
    json extra = principal_.extra.empty() ? json::object() : json::parse(principal_.extra);
    extra["scram_server_signature"] = to_base64(server_signature);
    principal_.extra = extra.dump(-1, ' ', false, json::error_handler_t::replace);
    return Accepted{std::move(principal_)};
  }

 protected:
  /// Reads what every attempt must have.
  std::optional<Denied> read_hello(const Request& request) {
    const json extra = request.authextra.empty() ? json::object() : json::parse(request.authextra, nullptr, false);
    const auto at = extra.find("nonce");
    if (at == extra.end() || at->is_null()) return not_authorized("client must send a nonce");
    if (!at->is_string()) return not_authorized("client nonce must be base64");
    client_nonce_ = at->get<std::string>();
    if (client_nonce_.size() > kLongestClientNonce) return not_authorized("client nonce is too long");
    if (!from_base64(client_nonce_)) return not_authorized("client nonce must be base64");
    if (request.authid.empty()) return not_authorized("cannot identify client: no authid requested");
    authid_ = request.authid;
    return std::nullopt;
  }

  /// `exists` false: nobody has this name, which is told only after a proof has been asked for.
  Verdict make_challenge(Record record, Principal principal, bool exists) {
    record_ = std::move(record);
    principal_ = std::move(principal);
    exists_ = exists;
    const std::string nonce = to_base64(from_base64(client_nonce_).value_or("") + random_bytes(kNonceSize));
    const std::string salt = to_base64(record_.salt);
    auth_message_ =
        fmt::format("n={},r={},r={},s={},i={},c=,r={}", authid_, client_nonce_, nonce, salt, record_.iterations, nonce);
    const json extra{{"nonce", nonce},
                     {"kdf", record_.kdf},
                     {"salt", salt},
                     {"iterations", record_.iterations},
                     {"memory", record_.memory}};
    return Challenge{extra.dump(), principal_};
  }

  const std::string& authid() const { return authid_; }

 private:
  Record record_;
  Principal principal_;
  bool exists_ = false;
  std::string authid_;  ///< claimed: it is part of what is signed
  std::string client_nonce_;
  std::string auth_message_;
};

/// The users of an endpoint, and a stand-in for everybody else: names must not be found out by trying.
class Users {
 public:
  explicit Users(const settings::StaticScram& settings) {
    std::string secrets;
    for (const auto& [authid, from] : settings.principals) {
      Principal principal;
      principal.authid = authid;
      principal.role = from.role.empty() ? settings.default_role : from.role;
      principal.provider = "static";
      by_authid_.emplace(authid, User{make_record(from), std::move(principal)});
      secrets += from.stored_key + from.server_key;
    }
    for (const auto& [authid, user] : by_authid_) list_.push_back(&user);
    stand_ins_ = std::make_unique<const StandIns>("scram", secrets);
  }

  struct User {
    Record record;
    Principal principal;
  };
  const User* find(const std::string& authid) const {
    const auto at = by_authid_.find(authid);
    return at != by_authid_.end() ? &at->second : nullptr;
  }

  /// The same for one name each time; with the numbers, and the role, that one of the users has.
  User make_stand_in(const std::string& authid) const {
    User user;
    user.record = {"argon2id-13", 4096, 512, std::string(16, '\0'), "", ""};
    user.principal.provider = "static";
    const std::string seed = stand_ins_->seed(authid);
    if (!list_.empty()) user = *list_[StandIns::choose(seed, list_.size())];
    user.principal.authid = authid;
    const std::size_t salt_size = user.record.salt.size();
    user.record.salt.clear();
    for (int i = 0; user.record.salt.size() < salt_size; ++i) {
      user.record.salt += hmac_sha256(seed, fmt::format("salt {}", i));
    }
    user.record.salt.resize(salt_size);
    user.record.stored_key = hmac_sha256(seed, "stored key");
    user.record.server_key = hmac_sha256(seed, "server key");
    return user;
  }

 private:
  std::map<std::string, User> by_authid_;
  std::vector<const User*> list_;
  std::unique_ptr<const StandIns> stand_ins_;
};

class StaticScram final : public Scram {
 public:
  explicit StaticScram(const Users& users) : users_(users) {}

  Verdict begin(const Request& request) override {
    if (auto denied = read_hello(request)) return std::move(*denied);
    // Made for those who exist as well, for the time that it takes.
    Users::User stand_in = users_.make_stand_in(authid());
    const Users::User* user = users_.find(authid());
    const bool exists = user != nullptr;
    if (exists) stand_in = *user;
    return make_challenge(std::move(stand_in.record), std::move(stand_in.principal), exists);
  }

 private:
  const Users& users_;
};

class StaticScramMethod final : public Method {
 public:
  explicit StaticScramMethod(const settings::StaticScram& settings) : users_(settings) {}
  std::unique_ptr<Authenticator> make_authenticator() const override { return std::make_unique<StaticScram>(users_); }

 private:
  const Users users_;
};

/// The record comes from a procedure. Whether unknown names are told is for that to decide: an error goes to the client
/// as it is.
class DynamicScram final : public Scram {
 public:
  explicit DynamicScram(const settings::DynamicAuth& settings) : settings_(settings) {}

  Verdict begin(const Request& request) override {
    if (auto denied = read_hello(request)) return std::move(*denied);
    return make_ask(settings_, request, request.authid, "scram");
  }

  Verdict on_reply(const Reply& reply) override {
    auto read = read_principal(settings_, reply);
    if (auto* denied = std::get_if<Denied>(&read)) return std::move(*denied);
    auto& principal = std::get<Principal>(read);
    if (principal.authid.empty()) principal.authid = authid();
    settings::ScramPrincipal from;
    if (const auto problem = read_record(reply.value, from)) {
      // Crossbar's reason; its text is "Internal server error".
      return Denied{std::string(wamp::kAuthorizationFailed),
                    fmt::format("the dynamic authenticator for scram must return a dictionary with kdf, iterations, "
                                "memory, salt, stored-key and server-key; {} must be {}",
                                problem->key, problem->allowed)};
    }
    return make_challenge(make_record(from), std::move(principal), true);
  }

 private:
  static std::optional<settings::ScramProblem> read_record(const json& value, settings::ScramPrincipal& record) {
    const auto read_text = [&](const char* name, std::string& out) {
      const auto at = value.find(name);
      if (at != value.end() && at->is_string()) out = at->get<std::string>();
    };
    const auto read_number = [&](const char* name, int& out) {
      const auto at = value.find(name);
      // What does not fit becomes a number that is refused.
      if (at != value.end() && at->is_number_integer()) out = *at >= 0 && *at <= INT32_MAX ? at->get<int>() : -1;
    };
    read_text("kdf", record.kdf);
    read_number("iterations", record.iterations);
    read_number("memory", record.memory);
    read_text("salt", record.salt);
    read_text("stored-key", record.stored_key);
    read_text("server-key", record.server_key);
    return settings::scram_problem(record);
  }

  const settings::DynamicAuth& settings_;
};

}  // namespace

std::shared_ptr<const Method> make_dynamic_scram(const settings::DynamicAuth& settings) {
  return std::make_shared<SimpleMethod<DynamicScram, settings::DynamicAuth>>(settings);
}

std::shared_ptr<const Method> make_scram(const settings::StaticScram& settings) {
  return std::make_shared<StaticScramMethod>(settings);
}

}  // namespace crosspoint::auth
