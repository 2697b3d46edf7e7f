#include <catch2/catch.hpp>

#include <nlohmann/json.hpp>
#include <set>

#include "auth/bytes.hpp"
#include "auth/crypto.hpp"
#include "auth/ed25519.hpp"
#include "auth/methods.hpp"
#include "auth/stand_ins.hpp"

// Names that nobody has are challenged as others are, and refused in the same words: the same functions run for both.

using namespace crosspoint;
using namespace crosspoint::auth;
using nlohmann::json;

namespace {

Request request(std::string_view authid, std::string_view authextra = "{}") {
  return {"realm1", authid, authextra, 12345, "2026-01-02T03:04:05.678Z"};
}

/// What `method` does with a name, and with each answer to its challenge.
struct Course {
  Challenge challenge;
  Denied denied;
};
Course run(const Method& method, std::string_view authid, std::string_view answer) {
  const auto attempt = method.make_authenticator();
  auto verdict = attempt->begin(request(authid));
  REQUIRE(std::holds_alternative<Challenge>(verdict));
  auto end = attempt->answer(answer);
  REQUIRE(std::holds_alternative<Denied>(end));
  return {std::get<Challenge>(verdict), std::get<Denied>(end)};
}

void require_same_refusal(const Course& wrong_name, const Course& wrong_secret) {
  REQUIRE(wrong_name.denied.reason == wrong_secret.denied.reason);
  REQUIRE(wrong_name.denied.message == wrong_secret.denied.message);
}

settings::StaticWampCra salted() {
  settings::StaticWampCra users;
  users.users["ann"] = {"secret", "user", "0123abcdef", 1000, 32};
  return users;
}

}  // namespace

TEST_CASE("a ticket is asked of everybody, and refused in the same words") {
  settings::StaticTicket tickets;
  tickets.principals["joe"] = {"right", "user"};
  const auto method = make_ticket(tickets);
  const Course name = run(*method, "eve", "right");
  const Course secret = run(*method, "joe", "wrong");
  require_same_refusal(name, secret);
  REQUIRE(name.challenge.extra == secret.challenge.extra);
  REQUIRE(name.challenge.principal->role == "user");
  REQUIRE(name.challenge.principal->authid == "eve");
  run(*make_ticket({}), "eve", "");
}

TEST_CASE("a WAMP-CRA challenge for a name that nobody has is like a user's, the same salt each time") {
  const auto method = make_wampcra(salted());
  const Course name = run(*method, "eve", "x");
  const Course secret = run(*method, "ann", "x");
  require_same_refusal(name, secret);
  const json eve = json::parse(name.challenge.extra);
  const json ann = json::parse(secret.challenge.extra);
  REQUIRE(eve["iterations"] == ann["iterations"]);
  REQUIRE(eve["keylen"] == ann["keylen"]);
  REQUIRE(eve["salt"] != ann["salt"]);
  const std::string salt = eve["salt"];
  REQUIRE(salt.size() == 10);
  REQUIRE(salt.find_first_not_of("0123456789abcdef") == std::string::npos);
  REQUIRE(json::parse(run(*method, "eve", "").challenge.extra)["salt"] == salt);
  REQUIRE(json::parse(run(*make_wampcra(salted()), "eve", "").challenge.extra)["salt"] == salt);  // after a restart
  REQUIRE(json::parse(run(*method, "eva", "").challenge.extra)["salt"] != salt);
  const json challenge = json::parse(eve["challenge"].get<std::string>());
  const json other = json::parse(ann["challenge"].get<std::string>());
  REQUIRE(challenge["authid"] == "eve");
  REQUIRE(challenge["authrole"] == other["authrole"]);
}

TEST_CASE("nobody is salted if no user is, and a salt that users share is everybody's") {
  settings::StaticWampCra plain;
  plain.users["joe"] = {"secret", "user", {}, {}, {}};
  REQUIRE(json::parse(run(*make_wampcra(plain), "eve", "").challenge.extra).size() == 1);
  settings::StaticWampCra shared;
  shared.users["ann"] = {"one", "user", "common", 1000, 32};
  shared.users["bob"] = {"two", "user", "common", 1000, 32};
  REQUIRE(json::parse(run(*make_wampcra(shared), "eve", "").challenge.extra)["salt"] == "common");
}

TEST_CASE("no secret of a user lets somebody in under a name that nobody has") {
  const auto method = make_wampcra(salted());
  const auto attempt = method->make_authenticator();
  const json extra = json::parse(std::get<Challenge>(attempt->begin(request("eve"))).extra);
  const std::string challenge = extra["challenge"];
  const std::string key = derive_wampcra_key("secret", extra["salt"].get<std::string>(), 1000, 32);
  REQUIRE(std::holds_alternative<Denied>(attempt->answer(hmac_sha256_base64(key, challenge))));
}

TEST_CASE("cryptosign challenges names that nobody has, and verifies as many signatures for them") {
  settings::StaticCryptosign settings;
  settings.principals["joe"].authorized_keys = {to_hex(ed25519_public_key(std::string(32, 'a')))};
  settings.principals["joe"].role = "user";
  const auto method = make_cryptosign(settings);
  const std::string message(32, 'm');
  const std::string signature = to_hex(sign_ed25519(std::string(32, 'b'), message) + message);
  const Course name = run(*method, "eve", signature);
  const Course secret = run(*method, "joe", signature);
  require_same_refusal(name, secret);
  REQUIRE(name.denied.message == "signed message has invalid signature");
  REQUIRE(name.challenge.principal->role == "user");
  const json eve = json::parse(name.challenge.extra);
  const json joe = json::parse(secret.challenge.extra);
  REQUIRE(eve.size() == joe.size());
  // A key that is announced is refused in the same words too.
  const std::string announced = json{{"pubkey", std::string(64, '1')}}.dump();
  const auto refuse = [&](std::string_view authid) {
    return std::get<Denied>(method->make_authenticator()->begin(request(authid, announced))).message;
  };
  REQUIRE(refuse("eve") == refuse("joe"));
  std::get<Challenge>(make_cryptosign({})->make_authenticator()->begin(request("eve")));
}

TEST_CASE("stand-ins depend on the secrets and the method, and are spread over the users") {
  const StandIns one("a", "secrets");
  REQUIRE(one.seed("eve") == StandIns("a", "secrets").seed("eve"));
  REQUIRE(one.seed("eve") != StandIns("b", "secrets").seed("eve"));
  REQUIRE(one.seed("eve") != StandIns("a", "others").seed("eve"));
  REQUIRE(StandIns("a", "").seed("eve") != StandIns("a", "").seed("eve"));
  std::set<std::size_t> chosen;
  for (int i = 0; i < 200; ++i) chosen.insert(StandIns::choose(one.seed(std::to_string(i)), 5));
  REQUIRE(chosen == std::set<std::size_t>{0, 1, 2, 3, 4});
  REQUIRE(StandIns::choose(one.seed("eve"), 0) == 0);
  const std::string like = StandIns::text_like(one.seed("eve"), "Salt-123=");
  REQUIRE(like.size() == 9);
  REQUIRE(like != "Salt-123=");
  REQUIRE((like[4] == '-' && like[8] == '=' && std::isupper(static_cast<unsigned char>(like[0])) != 0 &&
           std::islower(static_cast<unsigned char>(like[1])) != 0 &&
           std::isdigit(static_cast<unsigned char>(like[7])) != 0));
  REQUIRE(StandIns::text_like(one.seed("eve"), "ABCDEF0123").find_first_not_of("0123456789ABCDEF") ==
          std::string::npos);
  REQUIRE(StandIns::text_like(one.seed("eve"), std::string(100, 'z')) !=
          std::string(100, StandIns::text_like(one.seed("eve"), "z")[0]));
}
