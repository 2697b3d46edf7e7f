#include <catch2/catch.hpp>

#include <nlohmann/json.hpp>

#include "auth/crypto.hpp"
#include "auth/methods.hpp"

using namespace crosspoint;
using namespace crosspoint::auth;
using nlohmann::json;

namespace {

Request request(std::string_view authid) { return {"realm1", authid, "{\"a\":1}", 12345, "2026-01-02T03:04:05.678Z"}; }

settings::StaticWampCra users() {
  settings::StaticWampCra users;
  users.users["joe"] = {"secret", "user", {}, {}, {}};
  users.users["ann"] = {"secret", "", "salt", 1000, 32};
  users.users["bob"] = {"secret", "user", "salt", {}, 32};
  users.default_role = "fallback";
  return users;
}

const Denied& denied(const Verdict& verdict) { return std::get<Denied>(verdict); }

}  // namespace

TEST_CASE("anonymous lets everybody in under its role, with a random authid") {
  const auto method = make_anonymous({});
  const auto verdict = method->make_authenticator()->begin(request("claimed"));
  const Principal& principal = std::get<Accepted>(verdict).principal;
  REQUIRE(principal.role == "anonymous");
  REQUIRE(principal.authid.size() == 29);
  REQUIRE(principal.provider == "static");
  REQUIRE(principal.extra == "{\"a\":1}");
  const auto fixed = make_anonymous({"guest", "me"})->make_authenticator()->begin(request(""));
  REQUIRE(std::get<Accepted>(fixed).principal.authid == "me");
  REQUIRE(std::get<Accepted>(fixed).principal.role == "guest");
}

TEST_CASE("a ticket is asked for, and must be the right one (Ticket-based Authentication)") {
  settings::StaticTicket tickets;
  tickets.principals["joe"] = {"right", "user"};
  tickets.principals["ann"] = {"right", ""};
  tickets.default_role = "fallback";
  const auto method = make_ticket(tickets);
  const auto good = method->make_authenticator();
  const auto challenge = std::get<Challenge>(good->begin(request("joe")));
  REQUIRE(challenge.extra == "{}");
  REQUIRE(challenge.principal->role == "user");
  REQUIRE(std::get<Accepted>(good->answer("right")).principal.authid == "joe");
  const auto bad = method->make_authenticator();
  REQUIRE(std::get<Challenge>(bad->begin(request("ann"))).principal->role == "fallback");
  const auto verdict = bad->answer("wrong");
  REQUIRE(denied(verdict).reason == "wamp.error.not_authorized");
  REQUIRE(denied(verdict).message == "ticket in static WAMP-Ticket authentication is invalid");
}

TEST_CASE(
    "the WAMP-CRA challenge names who, what and when, and its signature is checked (Challenge Response "
    "Authentication)") {
  const auto method = make_wampcra(users());
  const auto attempt = method->make_authenticator();
  const auto challenge = std::get<Challenge>(attempt->begin(request("joe")));
  const json extra = json::parse(challenge.extra);
  REQUIRE(extra.size() == 1);
  const std::string text = extra["challenge"];
  const json read = json::parse(text);
  REQUIRE(read["authid"] == "joe");
  REQUIRE(read["authrole"] == "user");
  REQUIRE(read["authmethod"] == "wampcra");
  REQUIRE(read["authprovider"] == "static");
  REQUIRE(read["session"] == 12345);
  REQUIRE(read["nonce"].get<std::string>().size() == 64);
  REQUIRE(read["timestamp"] == "2026-01-02T03:04:05.678Z");
  REQUIRE(std::get<Accepted>(attempt->answer(hmac_sha256_base64("secret", text))).principal.role == "user");
  const auto wrong = method->make_authenticator();
  const json other = json::parse(std::get<Challenge>(wrong->begin(request("joe"))).extra);
  REQUIRE(other["challenge"] != text);
  const auto verdict = wrong->answer(hmac_sha256_base64("secret", text));  // of the other attempt
  REQUIRE(denied(verdict).reason == "wamp.error.not_authorized");
  REQUIRE(denied(verdict).message == "WAMP-CRA client signature is invalid");
}

TEST_CASE("WAMP-CRA is salted if salt, iterations and keylen are all there") {
  const auto method = make_wampcra(users());
  const auto attempt = method->make_authenticator();
  const json extra = json::parse(std::get<Challenge>(attempt->begin(request("ann"))).extra);
  REQUIRE(extra["salt"] == "salt");
  REQUIRE(extra["iterations"] == 1000);
  REQUIRE(extra["keylen"] == 32);
  const std::string key = derive_wampcra_key("secret", "salt", 1000, 32);
  const std::string challenge = extra["challenge"];
  REQUIRE(std::holds_alternative<Accepted>(attempt->answer(hmac_sha256_base64(key, challenge))));
  const auto partly = method->make_authenticator();
  const json plain = json::parse(std::get<Challenge>(partly->begin(request("bob"))).extra);
  REQUIRE(plain.size() == 1);
  REQUIRE(std::holds_alternative<Accepted>(
      partly->answer(hmac_sha256_base64("secret", plain["challenge"].get<std::string>()))));
}

TEST_CASE("methods that are not available are named") {
  std::string problem;
  REQUIRE(make_method({"ticket", settings::StaticTicket{}}, problem) != nullptr);
  for (const auto* name : {"anonymous", "ticket", "wampcra", "cryptosign", "scram", "tls"}) {
    REQUIRE(make_method({name, settings::DynamicAuth{}}, problem) != nullptr);
  }
  REQUIRE(make_method({"cryptosign", settings::StaticCryptosign{}}, problem) != nullptr);
  REQUIRE(make_method({"scram", settings::StaticScram{}}, problem) != nullptr);
  REQUIRE(make_method({"tls", settings::StaticTls{}}, problem) != nullptr);
  REQUIRE(problem.empty());
  REQUIRE(make_method({"cookie", settings::DynamicAuth{}}, problem) == nullptr);
  REQUIRE(problem == "the authentication method \"cookie\" of type \"dynamic\" is not available");
}
