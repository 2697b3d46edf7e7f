#include <catch2/catch.hpp>

#include <nlohmann/json.hpp>

#include "auth/methods.hpp"
#include "connection/handshake.hpp"

using namespace crosspoint;
using connection::AuthMethods;
using connection::FindRealm;
using connection::Handshake;

namespace {

/// A realm "realm1" with the role "user", and endpoints with various methods.
class World {
 public:
  World() {
    realm_.add_role("user", realm::make_fixed_authorizer({true, false}));
    settings::StaticTicket tickets;
    tickets.principals["joe"] = {"right", "user"};
    tickets.principals["lost"] = {"right", "nobody"};
    tickets.principals["bare"] = {"right", ""};
    with_ticket_.emplace_back("ticket", auth::make_ticket(tickets));
    settings::StaticCryptosign keys;
    keys.principals["joe"] = {{std::string(64, '1')}, "user", ""};
    with_key_.emplace_back("cryptosign", auth::make_cryptosign(keys));
    both_ = with_ticket_;
    both_.emplace_back("anonymous", auth::make_anonymous({"user", ""}));
  }

  static Handshake::Action hello(Handshake& handshake, const std::string& realm, const std::string& details,
                                 const std::string& channel = {}) {
    const wamp::Dict dict = wamp::Dict::from_json(details);
    wamp::Hello message;
    message.realm = realm;
    message.details = dict;
    Handshake::Moment moment{77, "2026-01-02T03:04:05.678Z"};
    if (!channel.empty()) moment.channel_ids.emplace_back("tls-unique", channel);
    return handshake.on_hello(message, std::move(moment));
  }
  static Handshake::Action authenticate(Handshake& handshake, const std::string& signature) {
    wamp::Authenticate message;
    message.signature = signature;
    return handshake.on_authenticate(message);
  }
  Handshake open() { return Handshake(none_, find_); }
  Handshake with_ticket() { return Handshake(with_ticket_, find_); }
  Handshake with_key() { return Handshake(with_key_, find_); }
  Handshake both() { return Handshake(both_, find_); }

 private:
  realm::Realm realm_{"realm1", {}, 1, 1};
  AuthMethods none_;
  AuthMethods with_ticket_;
  AuthMethods with_key_;
  AuthMethods both_;
  FindRealm find_ = [this](std::string_view name) { return name == "realm1" ? &realm_ : nullptr; };
};

const std::string kRoles = R"("roles":{"subscriber":{}})";

std::pair<std::string, std::string> abort_of(const Handshake::Action& action) {
  const auto& abort = std::get<Handshake::Abort>(action);
  return {std::string(abort.reason), abort.message};
}

}  // namespace

TEST_CASE("without authentication everybody joins as anonymous, with a random authid") {
  World world;
  auto handshake = world.open();
  const auto action = World::hello(handshake, "realm1", "{" + kRoles + R"(,"authid":"ignored","authextra":{"x":1}})");
  const auto& join = std::get<Handshake::Join>(action);
  REQUIRE(join.realm->name() == "realm1");
  REQUIRE(join.role->name() == "anonymous");
  REQUIRE(join.identity->session == 77);
  REQUIRE(join.identity->authid != "ignored");
  REQUIRE(join.identity->authmethod == "anonymous");
  REQUIRE(join.identity->authprovider == "static");
  REQUIRE(nlohmann::json::parse(join.identity->authextra) == nlohmann::json{{"x", 1}});
}

TEST_CASE("without authentication a client that wants another method is turned away") {
  World world;
  auto handshake = world.open();
  const auto action = World::hello(handshake, "realm1", "{" + kRoles + R"(,"authmethods":["ticket","wampcra"]})");
  REQUIRE(abort_of(action) ==
          std::pair<std::string, std::string>{
              "wamp.error.no_auth_method",
              "cannot authenticate [1] using any of the offered authmethods ['ticket', 'wampcra']"});
}

TEST_CASE("a realm that is not there, or not named, is wamp.error.no_such_realm") {
  World world;
  auto handshake = world.open();
  REQUIRE(abort_of(World::hello(handshake, "other", "{" + kRoles + "}")) ==
          std::pair<std::string, std::string>{"wamp.error.no_such_realm", "no realm \"other\" exists on this router"});
  REQUIRE(abort_of(World::hello(handshake, "", "{" + kRoles + "}")).first == "wamp.error.no_such_realm");
  auto both = world.both();
  REQUIRE(abort_of(World::hello(both, "", "{" + kRoles + "}")).second == "no realm assigned");
}

TEST_CASE("with authentication the client's first configured method is used") {
  World world;
  auto handshake = world.both();
  const auto challenge = World::hello(
      handshake, "realm1", "{" + kRoles + R"(,"authid":"joe","authmethods":["wampcra","ticket","anonymous"]})");
  REQUIRE(std::get<Handshake::Challenge>(challenge).method == "ticket");
  REQUIRE(handshake.challenged());
  const auto join = World::authenticate(handshake, "right");
  REQUIRE(std::get<Handshake::Join>(join).identity->authid == "joe");
  REQUIRE(std::get<Handshake::Join>(join).identity->authmethod == "ticket");
  REQUIRE(std::get<Handshake::Join>(join).role->name() == "user");
  REQUIRE_FALSE(handshake.challenged());
  auto other = world.both();
  REQUIRE(std::holds_alternative<Handshake::Join>(World::hello(other, "realm1", "{" + kRoles + "}")));
}

TEST_CASE("methods nobody knows, and methods not configured, are told apart") {
  World world;
  auto handshake = world.with_ticket();
  REQUIRE(abort_of(World::hello(handshake, "realm1", "{" + kRoles + R"(,"authmethods":["magic"]})")) ==
          std::pair<std::string, std::string>{"wamp.error.not_authorized", "invalid authmethod \"magic\""});
  REQUIRE(abort_of(World::hello(handshake, "realm1", "{" + kRoles + R"(,"authmethods":["wampcra","scram"]})")) ==
          std::pair<std::string, std::string>{
              "wamp.error.no_auth_method",
              "cannot authenticate [2] using any of the offered authmethods ['wampcra', 'scram']"});
  REQUIRE(abort_of(World::hello(handshake, "realm1", "{" + kRoles + "}")).second ==
          "cannot authenticate [2] using any of the offered authmethods ['anonymous']");
}

TEST_CASE("wrong tickets and unknown users are not authorized") {
  World world;
  auto handshake = world.with_ticket();
  const std::string ticket = R"(,"authmethods":["ticket"]})";
  World::hello(handshake, "realm1", "{" + kRoles + R"(,"authid":"eve")" + ticket);
  const auto unknown = abort_of(World::authenticate(handshake, "right"));
  World::hello(handshake, "realm1", "{" + kRoles + R"(,"authid":"joe")" + ticket);
  const auto wrong = abort_of(World::authenticate(handshake, "wrong"));
  REQUIRE(wrong.first == "wamp.error.not_authorized");
  REQUIRE(unknown == wrong);
  REQUIRE(abort_of(World::authenticate(handshake, "right")).second == "no pending authentication");
}

TEST_CASE("a role that the realm does not have shows before the challenge is answered") {
  World world;
  auto handshake = world.with_ticket();
  const std::string ticket = R"(,"authmethods":["ticket"]})";
  REQUIRE(abort_of(World::hello(handshake, "realm1", "{" + kRoles + R"(,"authid":"lost")" + ticket)) ==
          std::pair<std::string, std::string>{"wamp.error.no_such_role", "realm \"realm1\" has no role \"nobody\""});
  REQUIRE(abort_of(World::hello(handshake, "realm1", "{" + kRoles + R"(,"authid":"bare")" + ticket)) ==
          std::pair<std::string, std::string>{"wamp.error.no_such_role", "no authrole assigned"});
  REQUIRE(abort_of(World::hello(handshake, "other", "{" + kRoles + R"(,"authid":"joe")" + ticket)).first ==
          "wamp.error.no_such_realm");
  REQUIRE_FALSE(handshake.challenged());
}

TEST_CASE("AUTHENTICATE without a challenge is not authorized") {
  World world;
  auto handshake = world.with_ticket();
  REQUIRE(abort_of(World::authenticate(handshake, "x")) ==
          std::pair<std::string, std::string>{"wamp.error.not_authorized", "no pending authentication"});
}

TEST_CASE("what is known of the channel reaches the method that binds to it (TLS Channel Binding)") {
  World world;
  const std::string details =
      "{" + kRoles + R"(,"authmethods":["cryptosign"],"authid":"joe","authextra":{"channel_binding":"tls-unique"}})";
  auto handshake = world.with_key();
  const auto action = World::hello(handshake, "realm1", details, std::string(32, 'x'));
  const auto extra = nlohmann::json::parse(std::get<Handshake::Challenge>(action).extra);
  REQUIRE(extra["channel_binding"] == "tls-unique");
  auto without = world.with_key();
  REQUIRE(abort_of(World::hello(without, "realm1", details)) ==
          std::pair<std::string, std::string>{
              "wamp.error.not_authorized",
              "channel binding \"tls-unique\" requested, but this connection does not use TLS"});
}

TEST_CASE("HELLO must name its roles, and have its attributes of the right types") {
  World world;
  for (const char* details :
       {"{}", R"({"roles":{}})", R"({"roles":[]})", R"({"roles":{"broker":{}}})", R"({"roles":{"caller":true}})",
        R"({"roles":{"caller":{}},"authid":5})", R"({"roles":{"caller":{}},"authmethods":"ticket"})",
        R"({"roles":{"caller":{}},"authmethods":[5]})", R"({"roles":{"caller":{}},"authextra":[]})"}) {
    INFO(details);
    auto handshake = world.open();
    REQUIRE(abort_of(World::hello(handshake, "realm1", details)).first == "wamp.error.protocol_violation");
  }
  auto handshake = world.open();
  REQUIRE(std::holds_alternative<Handshake::Join>(World::hello(
      handshake, "realm1",
      R"({"roles":{"caller":{},"callee":{},"publisher":{"features":{}}},"authid":null,"authmethods":[],"authextra":null})")));
}
