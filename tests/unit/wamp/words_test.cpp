#include <catch2/catch.hpp>

#include <nlohmann/json.hpp>

#include "wamp/ids.hpp"
#include "wamp/message.hpp"

using namespace crosspoint;

TEST_CASE("ids go from 1 to 2^53 (Identifiers)") {
  REQUIRE_FALSE(wamp::is_id(0));
  REQUIRE(wamp::is_id(1));
  REQUIRE(wamp::is_id(9007199254740992));
  REQUIRE_FALSE(wamp::is_id(9007199254740993));
  base::Random random(1);
  std::uint64_t largest = 0;
  for (int i = 0; i < 1000; ++i) {
    const auto id = wamp::random_id(random);
    REQUIRE(wamp::is_id(id));
    largest = std::max(largest, id);
  }
  REQUIRE(largest > 9007199254740992 / 2);
}

TEST_CASE("message types have the specification's numbers and names") {
  using wamp::MessageType;
  REQUIRE(static_cast<int>(MessageType::register_) == 64);
  REQUIRE(to_string(MessageType::register_) == "REGISTER");
  REQUIRE(to_string(MessageType::yield) == "YIELD");
  REQUIRE(to_string(static_cast<MessageType>(99)) == "UNKNOWN");
  REQUIRE(wamp::type_of(wamp::Event{}) == MessageType::event);
  REQUIRE(wamp::type_of(wamp::Hello{}) == MessageType::hello);
}

TEST_CASE("text in a payload of the router's own is a JSON string, whatever is in it") {
  const std::string text = "a \"quoted\" \\ line\nwith \x01 and ü";
  const auto payload = wamp::Payload::from_text(text);
  REQUIRE(payload.elements == 1);
  REQUIRE(nlohmann::json::parse(payload.bytes.begin(), payload.bytes.end())[0] == text);
}

TEST_CASE("what is kept of a payload outlives the message") {
  wamp::Payload payload;
  std::string message = "[1,2]";
  payload.elements = 1;
  payload.bytes = base::as_bytes(message);
  const wamp::Payload kept = payload.kept();
  message = "xxxxx";
  REQUIRE(base::as_text(kept.bytes) == "[1,2]");
  REQUIRE(kept.kept().bytes.data() == kept.bytes.data());  // not copied again
  wamp::Dict dict;
  std::string text = "{}";
  dict.bytes = base::as_bytes(text);
  const wamp::Dict kept_dict = dict.kept();
  text = "xx";
  REQUIRE(base::as_text(kept_dict.bytes) == "{}");
}
