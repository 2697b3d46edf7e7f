#include <catch2/catch.hpp>

#include <nlohmann/json.hpp>
#include <regex>

#include "connection/message_text.hpp"
#include "connection/welcome.hpp"
#include "serializers/serializers.hpp"

using namespace crosspoint;
using nlohmann::json;

namespace {

std::string text_of(const std::string& message) {
  serializers::Scratch scratch;
  wamp::Message decoded;
  REQUIRE(serializers::decode(wamp::Encoding::json, base::as_bytes(message), scratch, decoded).empty());
  return connection::message_text(decoded);
}

}  // namespace

TEST_CASE("messages are shown in the log with what they say") {
  REQUIRE(text_of(R"([16,7,{"acknowledge":true},"com.topic",[1],{"k":2}])") ==
          R"(PUBLISH request=7 {"acknowledge":true} topic="com.topic" [1],{"k":2})");
  REQUIRE(text_of(R"([48,7,{},"com.add",[1]])") == R"(CALL request=7 procedure="com.add" [1])");
  REQUIRE(text_of(R"([33,1,2])") == "SUBSCRIBED request=1 subscription=2");
  REQUIRE(text_of(R"([35,1])") == "UNSUBSCRIBED request=1");
  REQUIRE(text_of(R"([8,48,7,{},"com.error",["why"]])") == R"(ERROR CALL request=7 com.error ["why"])");
  REQUIRE(text_of(R"([6,{},"wamp.close.normal"])") == "GOODBYE wamp.close.normal");
}

TEST_CASE("secrets are not shown, and long payloads are cut") {
  REQUIRE(text_of(R"([5,"my-ticket",{"channel":"x"}])") == "AUTHENTICATE (signature not shown)");
  REQUIRE(text_of(R"([4,"wampcra",{"challenge":"{}"}])") == "CHALLENGE method=\"wampcra\"");
  const std::string hello =
      text_of(R"([1,"realm1",{"roles":{"caller":{}},"authid":"joe","authextra":{"password":"hidden"}}])");
  REQUIRE(hello == R"(HELLO realm="realm1" {"authid":"joe"})");
  const std::string cut = text_of(R"([16,7,{},"com.topic",[")" + std::string(1000, 'x') + "\"]]");
  REQUIRE(cut.size() < 300);
  REQUIRE(cut.ends_with("... (1004 bytes)"));
  REQUIRE(text_of(R"([16,7,{},"com.topic",[")" + std::string(10000, 'x') + "\"]]").ends_with(" 10004 bytes"));
}

TEST_CASE("WELCOME says who the client is, where, and what the router can do") {
  const realm::Realm realm("realm1", {}, 1, 1);
  realm::Identity identity;
  identity.session = 5;
  identity.authid = "joe";
  identity.authrole = "user";
  identity.authmethod = "ticket";
  identity.authprovider = "static";
  identity.authextra = R"({"mine":1})";
  const json details =
      json::parse(connection::welcome_details(realm, identity, {"node1", "worker001"}, "tcp4:127.0.0.1:1"));
  REQUIRE(details["realm"] == "realm1");
  REQUIRE(details["authid"] == "joe");
  REQUIRE(details["authrole"] == "user");
  REQUIRE(details["authmethod"] == "ticket");
  REQUIRE(details["authprovider"] == "static");
  REQUIRE(details["authextra"]["mine"] == 1);
  for (const json& place : {details, details["authextra"]}) {
    REQUIRE(place["x_cb_node"] == "node1");
    REQUIRE(place["x_cb_worker"] == "worker001");
    REQUIRE(place["x_cb_peer"] == "tcp4:127.0.0.1:1");
    REQUIRE(place["x_cb_pid"].get<int>() > 0);
  }
  const json& broker = details["roles"]["broker"]["features"];
  REQUIRE(broker["publisher_exclusion"] == true);
  REQUIRE(broker["pattern_based_subscription"] == true);
  REQUIRE(details["roles"]["dealer"]["features"]["shared_registration"] == true);
  REQUIRE(details["roles"]["dealer"]["features"]["call_canceling"] == true);
  REQUIRE_FALSE(details["roles"]["dealer"]["features"].contains("sharded_registration"));
}

TEST_CASE("time stamps are UTC with milliseconds") {
  REQUIRE(std::regex_match(connection::utc_timestamp(),
                           std::regex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z")));
}
