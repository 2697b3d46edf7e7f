#include <catch2/catch.hpp>

#include <fmt/core.h>

#include <nlohmann/json.hpp>
#include <set>

#include "auth/bytes.hpp"
#include "auth/crypto.hpp"
#include "auth/methods.hpp"

using namespace crosspoint;
using namespace crosspoint::auth;
using nlohmann::json;

namespace {

// RFC 7677, section 3: the password "pencil" with the salt and the iterations there.
const std::string kSalt = "5b6d99689d12358eeca04b141236fa81";
const std::string kClientKey = "a60fc923d67e8644a92d16b96eda5ef4656b0c725c484374be25535576996e8b";
const std::string kStoredKey = "586e5df283e6dceb5c3e791d8b8528ec191e664045ce971792e2e6b5bb13e2a6";
const std::string kServerKey = "c1f3cbc1c13a9d35a14c0990eed97629ea225863e566a4314ab99f3f00e5d9d5";
const std::string kNonce = "AAECAwQFBgcICQoLDA0ODw==";

std::string hex(std::string_view text) { return from_hex(text).value(); }

settings::StaticScram users() {
  settings::StaticScram users;
  users.principals["user"] = {"pbkdf2", 4096, 0, kSalt, kStoredKey, kServerKey, "user"};
  users.principals["hard"] = {"argon2id-13", 4096, 512, kSalt + kSalt, kStoredKey, kServerKey, ""};
  users.default_role = "fallback";
  return users;
}

const std::string kExtra = json{{"nonce", kNonce}}.dump();

Request request(std::string_view authid, std::string_view authextra = kExtra) {
  return {"realm1", authid, authextra, 12345, "2026-01-02T03:04:05.678Z"};
}

std::string auth_message(std::string_view authid, const json& extra) {
  const auto nonce = extra.at("nonce").get<std::string>();
  return fmt::format("n={},r={},r={},s={},i={},c=,r={}", authid, kNonce, nonce, extra.at("salt").get<std::string>(),
                     extra.at("iterations").get<int>(), nonce);
}

std::string prove(std::string_view authid, const json& extra) {
  const std::string signature = hmac_sha256(hex(kStoredKey), auth_message(authid, extra));
  return to_base64(xor_bytes(signature, hex(kClientKey)));
}

json challenge_of(const Verdict& verdict) { return json::parse(std::get<Challenge>(verdict).extra); }

std::string refusal(const Verdict& verdict) {
  const auto& denied = std::get<Denied>(verdict);
  REQUIRE(denied.reason == "wamp.error.not_authorized");
  return denied.message;
}

}  // namespace

TEST_CASE("SCRAM-SHA-256 gives the known answers (RFC 7677, section 3)") {
  const std::string message =
      "n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,"
      "i=4096,c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
  REQUIRE(sha256(hex(kClientKey)) == hex(kStoredKey));
  REQUIRE(to_base64(xor_bytes(hmac_sha256(hex(kStoredKey), message), hex(kClientKey))) ==
          "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
  REQUIRE(hmac_sha256_base64(hex(kServerKey), message) == "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
}

TEST_CASE("whoever knows the password gets in, and so does the router (Salted Challenge Response Authentication)") {
  const auto method = make_scram(users());
  const auto attempt = method->make_authenticator();
  const Verdict first = attempt->begin(request("user"));
  const json extra = challenge_of(first);
  REQUIRE(extra.size() == 5);
  REQUIRE(extra["kdf"] == "pbkdf2");
  REQUIRE(extra["iterations"] == 4096);
  REQUIRE(extra["memory"] == 0);
  REQUIRE(extra["salt"] == "W22ZaJ0SNY7soEsUEjb6gQ==");
  const std::string nonce = from_base64(extra["nonce"].get<std::string>()).value();
  REQUIRE(nonce.size() == 32);
  REQUIRE(nonce.starts_with(from_base64(kNonce).value()));
  REQUIRE(std::get<Challenge>(first).principal->role == "user");
  const auto principal = std::get<Accepted>(attempt->answer(prove("user", extra))).principal;
  REQUIRE(principal.authid == "user");
  REQUIRE(principal.provider == "static");
  REQUIRE(json::parse(principal.extra) ==
          json{{"scram_server_signature", hmac_sha256_base64(hex(kServerKey), auth_message("user", extra))}});
  const auto hard = method->make_authenticator();
  const json other = challenge_of(hard->begin(request("hard")));
  REQUIRE(other["kdf"] == "argon2id-13");
  REQUIRE(other["memory"] == 512);
  REQUIRE(other["nonce"] != extra["nonce"]);
  REQUIRE(std::get<Accepted>(hard->answer(prove("hard", other))).principal.role == "fallback");
}

TEST_CASE("SCRAM refuses every other proof") {
  const auto method = make_scram(users());
  json extra;
  const auto answer = [&](const auto& make) {
    const auto attempt = method->make_authenticator();
    extra = challenge_of(attempt->begin(request("user")));
    return refusal(attempt->answer(make()));
  };
  const json old = challenge_of(method->make_authenticator()->begin(request("user")));
  REQUIRE(answer([&] { return prove("user", old); }) == "SCRAM authentication failed");  // replayed
  REQUIRE(answer([&] { return prove("hard", extra); }) == "SCRAM authentication failed");
  REQUIRE(answer([] { return to_base64(std::string(32, '\0')); }) == "SCRAM authentication failed");
  for (const std::string& wrong : {std::string(), std::string("x"), to_base64("short"), std::string(64, '0')}) {
    REQUIRE(answer([&] { return wrong; }) == "client proof must be 32 bytes in base64");
  }
}

TEST_CASE("names cannot be found out by trying: there is a challenge for everybody") {
  const auto method = make_scram(users());
  const auto begin = [&](std::string_view authid) { return method->make_authenticator()->begin(request(authid)); };
  const json first = challenge_of(begin("eve"));
  const json second = challenge_of(begin("eve"));
  REQUIRE(first["salt"] == second["salt"]);
  REQUIRE(first["kdf"] == second["kdf"]);
  REQUIRE(first["nonce"] != second["nonce"]);
  const json restarted = challenge_of(make_scram(users())->make_authenticator()->begin(request("eve")));
  REQUIRE(restarted["salt"] == first["salt"]);
  std::set<std::string> kdfs;
  std::set<std::string> salts;
  for (int i = 0; i < 64; ++i) {
    const Verdict verdict = begin("nobody" + std::to_string(i));
    const json extra = challenge_of(verdict);
    const bool argon2 = extra["kdf"] == "argon2id-13";
    REQUIRE(extra.size() == 5);
    REQUIRE(extra["memory"] == (argon2 ? 512 : 0));
    REQUIRE(from_base64(extra["salt"].get<std::string>()).value().size() == (argon2 ? 32 : 16));
    // The realm is checked with somebody's role, so that what is refused for users is refused here as well.
    REQUIRE(std::get<Challenge>(verdict).principal->role == (argon2 ? "fallback" : "user"));
    kdfs.insert(extra["kdf"]);
    salts.insert(extra["salt"]);
  }
  REQUIRE(kdfs.size() == 2);
  REQUIRE(salts.size() == 64);
  const auto eve = method->make_authenticator();
  const json extra = challenge_of(eve->begin(request("eve")));
  REQUIRE(refusal(eve->answer(prove("eve", extra))) == "SCRAM authentication failed");
  REQUIRE(std::holds_alternative<Challenge>(make_scram({})->make_authenticator()->begin(request("eve"))));
}

TEST_CASE("SCRAM wants a name and a nonce") {
  const auto method = make_scram(users());
  const auto begin = [&](std::string_view authid, const std::string& extra) {
    return refusal(method->make_authenticator()->begin(request(authid, extra)));
  };
  REQUIRE(begin("", kExtra) == "cannot identify client: no authid requested");
  for (const auto* extra : {"", "{}", R"({"nonce":null})"}) REQUIRE(begin("user", extra) == "client must send a nonce");
  for (const auto* extra : {R"({"nonce":17})", R"({"nonce":"***"})", R"({"nonce":"Zh=="})"}) {
    REQUIRE(begin("user", extra) == "client nonce must be base64");
  }
  REQUIRE(begin("user", json{{"nonce", std::string(1028, 'A')}}.dump()) == "client nonce is too long");
}

TEST_CASE("a procedure may know the records") {
  settings::DynamicAuth settings;
  settings.authenticator = "com.auth";
  const auto method = make_dynamic_scram(settings);
  const json record{{"kdf", "pbkdf2"}, {"iterations", 4096},       {"memory", 0},
                    {"salt", kSalt},   {"stored-key", kStoredKey}, {"server-key", kServerKey},
                    {"role", "user"},  {"authid", "renamed"},      {"extra", {{"a", 1}}}};
  const auto attempt = method->make_authenticator();
  const auto ask = std::get<Ask>(attempt->begin(request("user")));
  const json arguments = json::parse(ask.arguments);
  REQUIRE(arguments[1] == "user");
  REQUIRE(arguments[2]["authmethod"] == "scram");
  REQUIRE(arguments[2]["authextra"]["nonce"] == kNonce);
  const json extra = challenge_of(attempt->on_reply({"", "", record}));
  const auto principal = std::get<Accepted>(attempt->answer(prove("user", extra))).principal;  // the name claimed
  REQUIRE(principal.authid == "renamed");
  REQUIRE(principal.provider == "dynamic");
  REQUIRE(json::parse(principal.extra)["a"] == 1);
  REQUIRE(json::parse(principal.extra).contains("scram_server_signature"));

  const std::pair<const char*, json> wrongs[]{
      {"kdf", "md5"},           {"kdf", nullptr},          {"iterations", 0}, {"iterations", 1e9},
      {"iterations", 10000001}, {"iterations", 1LL << 40}, {"memory", -1},    {"memory", 1LL << 33},
      {"memory", 1048577},      {"salt", "xyz"},           {"salt", ""},      {"stored-key", "00"},
      {"server-key", 17}};
  for (const auto& [key, value] : wrongs) {
    INFO(key << " " << value);
    json wrong = record;
    wrong[key] = value;
    const auto other = method->make_authenticator();
    other->begin(request("user"));
    const auto verdict = other->on_reply({"", "", wrong});
    const auto& denied = std::get<Denied>(verdict);
    REQUIRE(denied.reason == "wamp.error.authorization_failed");
    REQUIRE(denied.message.find(fmt::format("; {} must be ", key)) != std::string::npos);
  }
  const auto other = method->make_authenticator();
  other->begin(request("user"));
  REQUIRE(std::get<Denied>(other->on_reply({"", "", json("user")})).reason == "wamp.error.authorization_failed");
}

TEST_CASE("costs of SCRAM are bounded") {
  const auto wrong = [](const settings::ScramPrincipal& principal) {
    const auto problem = settings::scram_problem(principal);
    return problem ? problem->key : std::string_view("nothing");
  };
  const auto argon2 = [](int iterations, int memory, const std::string& salt = kSalt) {
    return settings::ScramPrincipal{"argon2id-13", iterations, memory, salt, kStoredKey, kServerKey, ""};
  };
  REQUIRE(wrong(argon2(4096, 512)) == "nothing");  // what Autobahn derives
  REQUIRE(wrong(argon2(64, 1048576)) == "nothing");
  REQUIRE(wrong(argon2(65, 1048576)) == "iterations");
  REQUIRE(wrong(argon2(1, 7)) == "memory");
  REQUIRE(wrong(argon2(1, 8, "00112233445566")) == "salt");
  REQUIRE(wrong(argon2(1, 8, "0011223344556677")) == "nothing");
}
