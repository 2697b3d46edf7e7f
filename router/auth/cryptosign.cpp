#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "auth/bytes.hpp"
#include "auth/crypto.hpp"
#include "auth/dynamic.hpp"
#include "auth/ed25519.hpp"
#include "auth/methods.hpp"
#include "auth/stand_ins.hpp"
#include "wamp/errors.hpp"
#include "wamp/payload.hpp"

namespace crosspoint::auth {
namespace {

using nlohmann::json;

constexpr std::size_t kChallengeSize = 32;

Denied not_authorized(std::string message) { return {std::string(wamp::kNotAuthorized), std::move(message)}; }

/// 32 bytes that a text has as hexadecimal digits.
std::optional<std::string> read_32_bytes(std::string_view text) {
  auto bytes = from_hex(text);
  return bytes && bytes->size() == 32 ? bytes : std::nullopt;
}

/// What the client says in HELLO.Details.authextra.
struct Wishes {
  std::string pubkey;     ///< raw bytes, or empty
  std::string challenge;  ///< for the router to sign; raw bytes, or empty
  std::string binding;    ///< type of channel binding, or empty
  std::string channel_id;
};

/// A client that wants its signature bound to the channel gets that or nothing: to go on without would let somebody in
/// between have it.
std::optional<Denied> read_binding(const json& wish, ChannelIds ids, Wishes& wishes) {
  if (wish != "tls-unique" && wish != "tls-exporter") {
    return not_authorized(fmt::format("invalid channel binding type {} requested",
                                      wish.dump(-1, ' ', false, json::error_handler_t::replace)));
  }
  wishes.binding = wish.get<std::string>();
  const auto at = std::find_if(ids.begin(), ids.end(), [&](const auto& id) { return id.first == wishes.binding; });
  if (at == ids.end() || at->second.size() != kChallengeSize) {
    return not_authorized(fmt::format("channel binding \"{}\" requested, but this connection {}", wishes.binding,
                                      ids.empty() ? "does not use TLS" : "cannot provide it"));
  }
  wishes.channel_id = at->second;
  return std::nullopt;
}

std::optional<Denied> read_wishes(const Request& request, Wishes& wishes) {
  const json extra = request.authextra.empty() ? json::object() : json::parse(request.authextra, nullptr, false);
  const auto read = [&](const char* name, std::string& out) {
    const auto at = extra.find(name);
    if (at == extra.end() || at->is_null() || *at == "") return true;
    const auto bytes = at->is_string() ? read_32_bytes(at->get_ref<const std::string&>()) : std::nullopt;
    out = bytes.value_or("");
    return bytes.has_value();
  };
  if (!read("pubkey", wishes.pubkey)) return not_authorized("authextra.pubkey must be 64 hexadecimal digits");
  if (!read("challenge", wishes.challenge)) return not_authorized("authextra.challenge must be 64 hexadecimal digits");
  if (const auto at = extra.find("channel_binding"); at != extra.end() && !at->is_null()) {
    return read_binding(*at, request.channel_ids, wishes);
  }
  return std::nullopt;
}

/// "Cryptosign-based Authentication": the client signs a challenge with a key of which the router knows the public
/// half.
class Cryptosign : public Authenticator {
 public:
  Verdict answer(std::string_view signature) override {
    const auto bytes = from_hex(signature);
    if (!bytes) return not_authorized("signed message is invalid (not a HEX encoded string)");
    if (bytes->size() != kEd25519SignatureSize + kChallengeSize) {
      return not_authorized(fmt::format("signed message has invalid length (was {}, but should have been {})",
                                        bytes->size(), kEd25519SignatureSize + kChallengeSize));
    }
    const auto signed_part = std::string_view(*bytes).substr(0, kEd25519SignatureSize);
    const auto message = std::string_view(*bytes).substr(kEd25519SignatureSize);
    const bool valid = std::any_of(keys_.begin(), keys_.end(),
                                   [&](const std::string& key) { return verify_ed25519(key, message, signed_part); });
    if (!valid) return not_authorized("signed message has invalid signature");
    // A signature is worth something for this session's challenge only, and with channel binding for this connection.
    if (!equal_secrets(message, expected_)) return not_authorized("message signed is bogus: it is not the challenge");
    return Accepted{std::move(principal_)};
  }

 protected:
  /// One of `keys` (raw bytes) has to sign.
  Verdict make_challenge(Principal principal, std::vector<std::string> keys, const Wishes& wishes,
                         std::string_view node_key) {
    principal_ = std::move(principal);
    keys_ = std::move(keys);
    const bool bound = !wishes.binding.empty();
    const std::string challenge = random_bytes(kChallengeSize);
    expected_ = bound ? xor_bytes(challenge, wishes.channel_id) : challenge;
    json extra{{"challenge", to_hex(challenge)}, {"channel_binding", nullptr}};
    if (bound) extra["channel_binding"] = wishes.binding;
    if (!wishes.challenge.empty() && !node_key.empty()) {
      const std::string message = bound ? xor_bytes(wishes.challenge, wishes.channel_id) : wishes.challenge;
      extra["signature"] = to_hex(sign_ed25519(node_key, message) + message);
      extra["pubkey"] = to_hex(ed25519_public_key(node_key));
    }
    return Challenge{extra.dump(), principal_};
  }

 private:
  Principal principal_;
  std::vector<std::string> keys_;
  std::string expected_;
};

/// The principals of an endpoint, with their keys as raw bytes.
struct KeyRing {
  struct Entry {
    Principal principal;
    std::vector<std::string> keys;
  };
  std::unordered_map<std::string, Entry> by_authid;
  std::unordered_map<std::string, const Entry*> by_key;  ///< nullptr: the key belongs to several
  std::vector<const Entry*> list;
  std::string stand_in_key;  ///< a public key of which nobody has the private half
  std::string node_key;

  /// Whom somebody looks like whose name nobody has. No key fits.
  Entry make_stand_in(std::string_view authid) const {
    const std::string seed = stand_ins->seed(authid);
    Entry entry;
    entry.principal.provider = "static";
    if (!list.empty()) entry = *list[StandIns::choose(seed, list.size())];
    entry.principal.authid = authid;
    std::fill(entry.keys.begin(), entry.keys.end(), stand_in_key);  // to verify as many takes as long
    return entry;
  }

  std::unique_ptr<const StandIns> stand_ins;
};

KeyRing make_key_ring(const settings::StaticCryptosign& settings) {
  KeyRing ring;
  for (const auto& [authid, from] : settings.principals) {
    KeyRing::Entry& entry = ring.by_authid[authid];
    entry.principal.authid = authid;
    entry.principal.realm = from.realm;
    entry.principal.role = from.role.empty() ? settings.default_role : from.role;
    entry.principal.provider = "static";
    for (const auto& text : from.authorized_keys) {
      const auto key = read_32_bytes(text);
      if (!key) continue;  // settings/ refuses it
      entry.keys.push_back(*key);
      const auto [at, fresh] = ring.by_key.emplace(*key, &entry);  // entries of a map stay where they are
      if (!fresh && at->second != &entry) at->second = nullptr;
    }
  }
  for (const auto& [authid, entry] : ring.by_authid) ring.list.push_back(&entry);
  ring.stand_ins = std::make_unique<const StandIns>("cryptosign", "");  // public keys are no secret to make them of
  ring.stand_in_key = ed25519_public_key(random_bytes(kChallengeSize));
  ring.node_key = read_32_bytes(settings.node_key).value_or("");
  return ring;
}

class StaticCryptosign final : public Cryptosign {
 public:
  explicit StaticCryptosign(const KeyRing& ring) : ring_(ring) {}

  Verdict begin(const Request& request) override {
    Wishes wishes;
    if (auto denied = read_wishes(request, wishes)) return std::move(*denied);
    const KeyRing::Entry* entry = nullptr;
    // Made for those who exist as well, for the time that it takes.
    const KeyRing::Entry stand_in = ring_.make_stand_in(request.authid);
    if (!request.authid.empty()) {
      const auto at = ring_.by_authid.find(std::string(request.authid));
      entry = at != ring_.by_authid.end() ? &at->second : &stand_in;
    } else {
      if (wishes.pubkey.empty()) {
        return not_authorized("cannot identify client: no authid requested and no extra.pubkey provided");
      }
      const auto at = ring_.by_key.find(wishes.pubkey);
      if (at == ring_.by_key.end()) {
        return not_authorized(
            "cannot identify client: no authid requested and no principal found for provided extra.pubkey");
      }
      if (at->second == nullptr) {
        return not_authorized(
            "cannot infer client identity from pubkey: multiple authids in principal database have this pubkey");
      }
      entry = at->second;
    }
    // Crossbar fails without a pubkey; any key of the principal serves.
    std::vector<std::string> keys = entry->keys;
    if (!wishes.pubkey.empty()) {
      if (std::find(keys.begin(), keys.end(), wishes.pubkey) == keys.end()) {
        return not_authorized("extra.pubkey provided does not match any one of authorized_keys for the principal");
      }
      keys = {wishes.pubkey};
    }
    return make_challenge(entry->principal, std::move(keys), wishes, ring_.node_key);
  }

 private:
  const KeyRing& ring_;
};

class StaticCryptosignMethod final : public Method {
 public:
  explicit StaticCryptosignMethod(const settings::StaticCryptosign& settings) : ring_(make_key_ring(settings)) {}
  std::unique_ptr<Authenticator> make_authenticator() const override {
    return std::make_unique<StaticCryptosign>(ring_);
  }

 private:
  const KeyRing ring_;
};

/// The public key comes from a procedure.
class DynamicCryptosign final : public Cryptosign {
 public:
  explicit DynamicCryptosign(const settings::DynamicAuth& settings) : settings_(settings) {}

  Verdict begin(const Request& request) override {
    if (auto denied = read_wishes(request, wishes_)) return std::move(*denied);
    authid_ = request.authid;
    std::string more = ",\"authrole\":null,\"authid\":";
    if (authid_.empty()) {
      more += "null";
    } else {
      wamp::append_json_string(more, authid_);
    }
    return make_ask(settings_, request, request.authid, "cryptosign", more);
  }

  Verdict on_reply(const Reply& reply) override {
    auto read = read_principal(settings_, reply);
    if (auto* denied = std::get_if<Denied>(&read)) return std::move(*denied);
    auto& principal = std::get<Principal>(read);
    if (principal.authid.empty()) principal.authid = authid_;
    const auto at = reply.value.find("pubkey");
    const auto key = reply.value.is_object() && at != reply.value.end() && at->is_string()
                         ? read_32_bytes(at->get_ref<const std::string&>())
                         : std::nullopt;
    if (!key) {
      // Crossbar's reason; its text is "Internal server error".
      return Denied{std::string(wamp::kAuthorizationFailed),
                    "the dynamic authenticator for cryptosign must return a dictionary with a pubkey of 64 hexadecimal "
                    "digits"};
    }
    return make_challenge(std::move(principal), {*key}, wishes_, {});
  }

 private:
  const settings::DynamicAuth& settings_;
  Wishes wishes_;
  std::string authid_;
};

}  // namespace

std::shared_ptr<const Method> make_dynamic_cryptosign(const settings::DynamicAuth& settings) {
  return std::make_shared<SimpleMethod<DynamicCryptosign, settings::DynamicAuth>>(settings);
}

std::shared_ptr<const Method> make_cryptosign(const settings::StaticCryptosign& settings) {
  return std::make_shared<StaticCryptosignMethod>(settings);
}

}  // namespace crosspoint::auth
