#include <catch2/catch.hpp>

#include <nlohmann/json.hpp>

#include "auth/bytes.hpp"
#include "auth/ed25519.hpp"
#include "auth/methods.hpp"

using namespace crosspoint;
using namespace crosspoint::auth;
using nlohmann::json;

namespace {

// Keys of the specification's test vectors ("Cryptosign-based Authentication").
const std::string kJoe = from_hex("4d57d97a68f555696620a6d849c0ce582568518d729eb753dc7c732de2804510").value();
const std::string kAnn = from_hex("d511fe78e23934b3dadb52fcd022974b80bd92bccc7c5cf404e46cc0a8a2f5cd").value();
const std::string kShared = from_hex("6e1fde9cf9e2359a87420b65a87dc0c66136e66945196ba2475990d8a0c3a25b").value();
const std::string kChannel = from_hex("62e935ae755f3d48f80d4d59f6121358c435722a67e859cc0caa8b539027f2ff").value();

std::string public_hex(const std::string& key) { return to_hex(ed25519_public_key(key)); }

/// The specification's answer to a challenge.
std::string sign(const std::string& key, const json& extra, const std::string& channel = {}) {
  std::string message = from_hex(extra.at("challenge").get<std::string>()).value();
  if (!channel.empty()) message = xor_bytes(message, channel);
  return to_hex(sign_ed25519(key, message) + message);
}

settings::StaticCryptosign principals() {
  settings::StaticCryptosign settings;
  settings.principals["joe"] = {{public_hex(kJoe), public_hex(kShared)}, "user", "realm2"};
  std::string upper = public_hex(kAnn);
  for (char& c : upper) c = static_cast<char>(std::toupper(c));
  settings.principals["ann"] = {{upper, public_hex(kShared), public_hex(kShared)}, "", ""};
  settings.default_role = "fallback";
  return settings;
}

const std::vector<std::pair<std::string, std::string>> kChannels{{"tls-unique", kChannel}, {"tls-exporter", kAnn}};

Request request(std::string_view authid, std::string_view authextra, ChannelIds channels = {}) {
  return {"realm1", authid, authextra, 12345, "2026-01-02T03:04:05.678Z", {}, channels};
}

std::string extra_of(const std::string& key) { return json{{"pubkey", public_hex(key)}}.dump(); }

json challenge_of(const Verdict& verdict) { return json::parse(std::get<Challenge>(verdict).extra); }

std::string refusal(const Verdict& verdict) {
  const auto& denied = std::get<Denied>(verdict);
  REQUIRE(denied.reason == "wamp.error.not_authorized");
  return denied.message;
}

}  // namespace

TEST_CASE("the specification's signatures come out, with and without channel binding (Test Vectors)") {
  const json free{{"challenge", std::string(64, 'f')}};
  REQUIRE(sign(kJoe, free) ==
          "b32675b221f08593213737bef8240e7c15228b07028e19595294678c90d11c0cae80a357331bfc5cc9fb71081464e6e75013517c2cf0"
          "67ad566a6b7b728e5d03ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff");
  REQUIRE(sign(kJoe, free, kChannel) ==
          "9b6f41540c9b95b4b7b281c3042fa9c54cef43c842d62ea3fd6030fcb66e70b3e80d49d44c29d1635da9348d02ec93f3ed1ef227dfb5"
          "9a07b580095c2b82f80f9d16ca518aa0c2b707f2b2a609edeca73bca8dd59817a633f35574ac6fd80d00");
}

TEST_CASE("whoever has the key of a principal gets in, by name or by key (Cryptosign-based Authentication)") {
  const auto method = make_cryptosign(principals());
  const auto by_name = method->make_authenticator();
  const Verdict first = by_name->begin(request("joe", extra_of(kJoe)));
  const json extra = challenge_of(first);
  REQUIRE(extra.size() == 2);
  REQUIRE(extra["challenge"].get<std::string>().size() == 64);
  REQUIRE(extra["channel_binding"].is_null());
  REQUIRE(std::get<Challenge>(first).principal->role == "user");
  const auto joe = std::get<Accepted>(by_name->answer(sign(kJoe, extra))).principal;
  REQUIRE(joe.authid == "joe");
  REQUIRE(joe.realm == "realm2");
  REQUIRE(joe.provider == "static");
  const auto by_key = method->make_authenticator();
  const json other = challenge_of(by_key->begin(request("", extra_of(kAnn))));
  REQUIRE(other["challenge"] != extra["challenge"]);
  const auto ann = std::get<Accepted>(by_key->answer(sign(kAnn, other))).principal;
  REQUIRE(ann.authid == "ann");
  REQUIRE(ann.role == "fallback");
  // A name alone serves, with any key of the principal; so do members that are null, as autobahn-js sends them.
  for (const auto* authextra : {"", "{}", R"({"pubkey":null,"challenge":null,"channel_binding":null})"}) {
    const auto by_name_only = method->make_authenticator();
    const json third = challenge_of(by_name_only->begin(request("joe", authextra)));
    REQUIRE(std::holds_alternative<Accepted>(by_name_only->answer(sign(kShared, third))));
  }
}

TEST_CASE("cryptosign refuses keys that are not known, before any challenge") {
  const auto method = make_cryptosign(principals());
  const auto begin = [&](std::string_view authid, const std::string& extra) {
    return refusal(method->make_authenticator()->begin(request(authid, extra)));
  };
  const std::string strange = json{{"pubkey", std::string(64, '1')}}.dump();
  REQUIRE(begin("eve", extra_of(kJoe)) == begin("ann", extra_of(kJoe)));
  REQUIRE(begin("ann", extra_of(kJoe)) ==
          "extra.pubkey provided does not match any one of authorized_keys for the principal");
  REQUIRE(begin("", "{}") == "cannot identify client: no authid requested and no extra.pubkey provided");
  REQUIRE(begin("", strange) ==
          "cannot identify client: no authid requested and no principal found for provided extra.pubkey");
  REQUIRE(begin("", extra_of(kShared)) ==
          "cannot infer client identity from pubkey: multiple authids in principal database have this pubkey");
  for (const auto* pubkey : {"\"abc\"", "17", "[]", "\"zz\""}) {
    REQUIRE(begin("joe", std::string("{\"pubkey\":") + pubkey + "}") ==
            "authextra.pubkey must be 64 hexadecimal digits");
  }
  REQUIRE(begin("joe", R"({"challenge":"00"})") == "authextra.challenge must be 64 hexadecimal digits");
  REQUIRE(begin("joe", R"({"channel_binding":"tls-other"})") == "invalid channel binding type \"tls-other\" requested");
  REQUIRE(begin("joe", R"({"channel_binding":["\n"]})") == R"(invalid channel binding type ["\n"] requested)");
}

TEST_CASE("cryptosign refuses every answer but a signature of its own challenge") {
  const auto method = make_cryptosign(principals());
  json extra;
  const auto answer = [&](const auto& make) {
    const auto attempt = method->make_authenticator();
    extra = challenge_of(attempt->begin(request("joe", extra_of(kJoe))));
    return refusal(attempt->answer(make()));
  };
  const json old = challenge_of(method->make_authenticator()->begin(request("joe", extra_of(kJoe))));
  REQUIRE(answer([] { return ""; }) == "signed message has invalid length (was 0, but should have been 96)");
  REQUIRE(answer([] { return "no digits"; }) == "signed message is invalid (not a HEX encoded string)");
  REQUIRE(answer([&] { return sign(kJoe, extra) + "00"; }) ==
          "signed message has invalid length (was 97, but should have been 96)");
  REQUIRE(answer([&] { return sign(kAnn, extra); }) == "signed message has invalid signature");
  REQUIRE(answer([&] { return sign(kShared, extra); }) == "signed message has invalid signature");  // not the announced
  REQUIRE(answer([] { return std::string(192, '0'); }) == "signed message has invalid signature");
  REQUIRE(answer([&] { return sign(kJoe, old); }) == "message signed is bogus: it is not the challenge");
  REQUIRE(answer([&] { return sign(kJoe, extra, kChannel); }) == "message signed is bogus: it is not the challenge");
}

TEST_CASE("channel binding makes a signature worthless on any other connection (TLS Channel Binding)") {
  const auto method = make_cryptosign(principals());
  const auto wish = [](const std::string& type) {
    return json{{"pubkey", public_hex(kJoe)}, {"channel_binding", type}}.dump();
  };
  for (const auto& [type, id] : kChannels) {
    for (const std::string& used : {kChannel, kAnn, std::string()}) {
      const auto attempt = method->make_authenticator();
      const json extra = challenge_of(attempt->begin(request("joe", wish(type), kChannels)));
      REQUIRE(extra["channel_binding"] == type);
      const auto verdict = attempt->answer(sign(kJoe, extra, used));
      REQUIRE(std::holds_alternative<Accepted>(verdict) == (used == id));
    }
  }
  // Without the wish there is none; a wish that cannot be fulfilled ends the attempt.
  const auto free = method->make_authenticator();
  const json challenge = challenge_of(free->begin(request("joe", extra_of(kJoe), kChannels)));
  REQUIRE(challenge["channel_binding"].is_null());
  REQUIRE(std::holds_alternative<Accepted>(free->answer(sign(kJoe, challenge))));
  const auto refused = [&](const std::string& type, ChannelIds channels) {
    return refusal(method->make_authenticator()->begin(request("joe", wish(type), channels)));
  };
  REQUIRE(refused("tls-unique", {}) ==
          "channel binding \"tls-unique\" requested, but this connection does not use TLS");
  REQUIRE(refused("tls-exporter", std::span(kChannels).first(1)) ==
          "channel binding \"tls-exporter\" requested, but this connection cannot provide it");
}

TEST_CASE("a router with a node key proves itself if it is asked to (Router Authentication)") {
  auto settings = principals();
  const std::string asked = std::string(62, 'a') + "0f";
  const std::string wish = json{{"challenge", asked}, {"channel_binding", "tls-unique"}}.dump();
  const std::string free = json{{"challenge", asked}}.dump();
  const auto without = make_cryptosign(settings);
  REQUIRE(challenge_of(without->make_authenticator()->begin(request("joe", free))).size() == 2);
  settings.node_key = to_hex(kShared);
  const auto method = make_cryptosign(settings);
  REQUIRE(challenge_of(method->make_authenticator()->begin(request("joe", "{}"))).size() == 2);
  for (const std::string& channel : {std::string(), kChannel}) {
    const auto attempt = method->make_authenticator();
    const json extra = challenge_of(attempt->begin(request("joe", channel.empty() ? free : wish, kChannels)));
    REQUIRE(extra["pubkey"] == public_hex(kShared));
    REQUIRE(extra["signature"] == sign(kShared, {{"challenge", asked}}, channel));
  }
}

TEST_CASE("a procedure may know the keys") {
  settings::DynamicAuth settings;
  settings.authenticator = "com.auth";
  settings.default_role = "fallback";
  const auto method = make_dynamic_cryptosign(settings);
  const auto attempt = method->make_authenticator();
  const auto ask = std::get<Ask>(attempt->begin(request("joe", extra_of(kJoe), kChannels)));
  const json arguments = json::parse(ask.arguments);
  REQUIRE(arguments[1] == "joe");
  REQUIRE(arguments[2]["authmethod"] == "cryptosign");
  REQUIRE(arguments[2]["authextra"]["pubkey"] == public_hex(kJoe));
  REQUIRE(arguments[2]["authid"] == "joe");
  REQUIRE(arguments[2]["authrole"].is_null());
  const json reply{{"pubkey", public_hex(kJoe)}, {"realm", "realm3"}, {"extra", {{"a", 1}}}};
  const json extra = challenge_of(attempt->on_reply({"", "", reply}));
  const auto principal = std::get<Accepted>(attempt->answer(sign(kJoe, extra))).principal;
  REQUIRE(principal.authid == "joe");
  REQUIRE(principal.role == "fallback");
  REQUIRE(principal.realm == "realm3");
  REQUIRE(principal.provider == "dynamic");
  REQUIRE(principal.extra == R"({"a":1})");
  for (const json& wrong : {json{{"role", "user"}}, json{{"pubkey", "abc"}}, json{{"pubkey", 1}}, json("user")}) {
    const auto other = method->make_authenticator();
    other->begin(request("joe", "{}"));
    const auto verdict = other->on_reply({"", "", wrong});
    REQUIRE(std::get<Denied>(verdict).reason == "wamp.error.authorization_failed");
  }
  const auto other = method->make_authenticator();
  other->begin(request("joe", "{}"));
  REQUIRE(std::get<Denied>(other->on_reply({"com.error.mine", "no", json()})).reason == "com.error.mine");
}
