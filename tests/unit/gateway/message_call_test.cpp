#include <catch2/catch.hpp>

#include <nlohmann/json.hpp>

#include "gateway/message_call.hpp"
#include "serializers/value.hpp"

using namespace crosspoint;
using namespace crosspoint::gateway;
using nlohmann::json;
using transports::DataKind;

namespace {

const json kConnection{{"id", "c"}, {"route", "r"}};

settings::Gateway route(settings::Gateway::Payload payload = settings::Gateway::Payload::plain) {
  settings::Gateway route;
  route.procedures.message = "a.message";
  route.payload = payload;
  return route;
}

settings::Gateway dispatching() {
  auto made = route();
  made.dispatch = {"event", "a.event"};
  return made;
}

struct Made {
  std::string procedure;
  json arguments;
  bool dispatched = false;
};

Made make(const settings::Gateway& route, std::string_view message, DataKind kind = DataKind::text) {
  std::string buffer;
  const auto call = call_for(route, Introduction(kConnection), kind, message, buffer);
  if (!call) return {};
  Made made{call->procedure, {}, call->dispatched};
  json keywords;
  REQUIRE(serializers::to_values(call->arguments, made.arguments, keywords));
  return made;
}

}  // namespace

TEST_CASE("plain messages go to the worker as strings and bytes, of any length") {
  for (const std::size_t size : {0, 1, 31, 32, 255, 256, 65535, 65536}) {
    const std::string text(size, 'x');
    const auto as_text = make(route(), text);
    REQUIRE(as_text.procedure == "a.message");
    REQUIRE(as_text.arguments == json::array({kConnection, text}));
    const auto as_bytes = make(route(), text, DataKind::binary);
    REQUIRE(as_bytes.arguments[1] == json::binary({text.begin(), text.end()}));
  }
}

TEST_CASE("a route for JSON gives values to the worker and takes nothing else") {
  const auto json_route = route(settings::Gateway::Payload::json);
  REQUIRE(make(json_route, R"( {"a":[1,2.5,null,"x"]} )").arguments[1] == json::parse(R"({"a":[1,2.5,null,"x"]})"));
  REQUIRE(make(json_route, "17").arguments[1] == 17);
  for (const char* text : {"", "{", "{}{}", "nul", "{\"a\":}", "[1,]"})
    REQUIRE(make(json_route, text).procedure.empty());
  REQUIRE(make(json_route, "17", DataKind::binary).procedure.empty());
  REQUIRE(make(json_route, std::string(101, '[') + std::string(101, ']')).procedure.empty());
}

TEST_CASE("messages are dispatched by an attribute; all others go to the procedure for messages") {
  const auto event = make(dispatching(), R"({"x":{"event":"no"},"event":"move_left","by":2})");
  REQUIRE(event.dispatched);
  REQUIRE(event.procedure == "a.event.move_left");
  REQUIRE(event.arguments == json::array({kConnection, {{"x", {{"event", "no"}}}, {"event", "move_left"}, {"by", 2}}}));
  for (const char* text : {"hello", "[\"event\"]", "{}", R"({"event":5})", R"({"event":""})", R"({"event":"a.b"})",
                           R"({"event":"a b"})", R"({"event":"x"} more)", R"({"event":"x")"}) {
    INFO(text);
    const auto other = make(dispatching(), text);
    REQUIRE(other.procedure == "a.message");
    REQUIRE(other.arguments[1] == text);
  }
  REQUIRE(make(dispatching(), "{\"event\":\"" + std::string(65, 'a') + "\"}").procedure == "a.message");
  REQUIRE(make(dispatching(), R"({"event":"x"})", DataKind::binary).procedure == "a.message");
  std::string buffer;
  const auto fallback = default_call(dispatching(), Introduction(kConnection), R"({"event":"x"})", buffer);
  REQUIRE(fallback.procedure == "a.message");
  REQUIRE(fallback.arguments.encoding == wamp::Encoding::msgpack);
}

TEST_CASE("what workers send: strings are text, bytes are binary, all else is JSON") {
  REQUIRE(to_data("text")->bytes == "text");
  REQUIRE(to_data("text")->kind == DataKind::text);
  REQUIRE(to_data(json::binary({1, 2}))->kind == DataKind::binary);
  REQUIRE(to_data(json::binary({1, 2}))->bytes == "\x01\x02");
  REQUIRE(to_data({{"a", {1, true}}})->bytes == R"({"a":[1,true]})");
  REQUIRE(to_data(nullptr)->bytes == "null");
  REQUIRE_FALSE(to_data("\xff"));
}
