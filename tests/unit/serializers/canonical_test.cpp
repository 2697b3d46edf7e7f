/// The facts of the specification's test vectors (its repository, testsuite/): each message in every serializer, and
/// what attributes may be. They are kept in tests/support/canonical.json.
#include <catch2/catch.hpp>

#include <fstream>

#include "serializers/value.hpp"
#include "unit/serializers/samples.hpp"

using namespace crosspoint;
using namespace crosspoint::test;
using nlohmann::json;

namespace {

const json& canonical() {
  static const json facts = [] {
    std::ifstream file(CROSSPOINT_SOURCE_DIR "/tests/support/canonical.json");
    return json::parse(file);
  }();
  return facts;
}

std::string from_hex(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

/// A message as one serializer writes it.
std::string bytes_in(wamp::Encoding encoding, const json& entry) {
  const std::string text = entry[std::string(serializers::of(encoding).name)];
  return encoding == wamp::Encoding::json ? text : from_hex(text);
}

/// What the bytes mean, with binary values.
json meaning(wamp::Encoding encoding, const std::string& bytes) {
  json value;
  REQUIRE(serializers::to_value(encoding, base::as_bytes(bytes), value));
  return value;
}

/// Attributes of links between routers are read over: they do not go on.
json without_links(json message) {
  for (json& field : message) {
    if (field.is_object()) field.erase("forward_for");
  }
  return message;
}

json message_with(const std::string& name, const json& attributes) {
  if (name == "PUBLISH") return {16, 123, attributes, "com.example.topic"};
  if (name == "SUBSCRIBE") return {32, 123, attributes, "com.example.topic"};
  return {36, 123, 456, attributes};
}

}  // namespace

TEST_CASE("the specification's vectors are read in every serializer, and mean the same (Canonical test vectors)") {
  REQUIRE(canonical()["messages"].size() > 30);
  for (const json& entry : canonical()["messages"]) {
    const json expected = meaning(wamp::Encoding::json, entry["json"]);
    for (const auto encoding : kAllEncodings) {
      INFO(entry["message"] << " with " << entry["with"] << ", " << serializers::of(encoding).name);
      const std::string bytes = bytes_in(encoding, entry);
      REQUIRE(meaning(encoding, bytes) == expected);
      Decoded decoded(encoding, bytes);
      REQUIRE(decoded.problem == "");
      REQUIRE(to_string(wamp::type_of(decoded.message)) == entry["message"]);
      REQUIRE(static_cast<int>(wamp::type_of(decoded.message)) == expected[0]);
    }
    if (entry.contains("spaced")) REQUIRE(Decoded(wamp::Encoding::json, entry["spaced"]).problem == "");
  }
}

TEST_CASE("the specification's vectors are written as they stand there, from every serializer to every other") {
  for (const json& entry : canonical()["messages"]) {
    const json full = meaning(wamp::Encoding::json, entry["json"]);
    json expected = without_links(full);
    // What an absent mode means is said in so many words.
    if (entry["message"] == "CANCEL" || entry["message"] == "INTERRUPT") expected[2]["mode"] = "killnowait";
    for (const auto from : kAllEncodings) {
      Decoded decoded(from, bytes_in(from, entry));
      for (const auto to : kAllEncodings) {
        INFO(entry["message"] << " with " << entry["with"] << ", " << serializers::of(from).name << " to "
                              << serializers::of(to).name);
        const std::string written = encode(to, decoded.message);
        REQUIRE(meaning(to, written) == expected);
        if (from == to && full == expected) REQUIRE(written == bytes_in(to, entry));
      }
    }
  }
}

TEST_CASE("attributes are what the specification's vectors say, and a wrong one is named (Canonical test vectors)") {
  for (const json& rule : canonical()["attributes"]) {
    const std::string name = rule["attribute"];
    const auto problem = [&](wamp::Encoding encoding, const json& value) {
      json message = message_with(rule["in"], {{name, value}});
      if (rule.contains("transparent")) message.push_back("a1666e6f74696365");
      return Decoded(encoding, bytes_of(encoding, message)).problem;
    };
    for (const auto encoding : kAllEncodings) {
      for (const json& value : rule["good"]) {
        INFO(rule["in"] << " " << name << " " << value << ", " << serializers::of(encoding).name);
        REQUIRE(problem(encoding, value) == "");
      }
      for (const json& value : rule["bad"]) {
        INFO(rule["in"] << " " << name << " " << value << ", " << serializers::of(encoding).name);
        REQUIRE(problem(encoding, value).find(name + " must be ") != std::string::npos);
      }
    }
  }
}

TEST_CASE("a payload may be one string or binary value instead of Arguments, and is then the last field") {
  for (const json& message :
       {json{16, 1, json::object(), "com.topic", "opaque"}, json{48, 1, json::object(), "com.procedure", "opaque"},
        json{50, 1, json::object(), "opaque"}, json{70, 1, json::object(), "opaque"},
        json{68, 1, 2, json::object(), "opaque"}, json{8, 68, 1, json::object(), "com.error", "opaque"}}) {
    for (const auto from : kAllEncodings) {
      INFO(message.dump());
      Decoded decoded(from, bytes_of(from, message));
      REQUIRE(decoded.problem == "");
      for (const auto to : kAllEncodings) REQUIRE(value_of(to, encode(to, decoded.message)) == message);
      json arguments;
      json keywords;
      REQUIRE_FALSE(serializers::to_values(*serializers::payload_of(decoded.message), arguments, keywords));
      json longer = message;
      longer.push_back(json::object());
      REQUIRE(Decoded(from, bytes_of(from, longer)).problem == "Arguments must be a list where ArgumentsKw follow");
    }
  }
  Decoded binary(wamp::Encoding::ubjson, "[U\x46U\x01{}[$U#U\x02\x01\xff]");
  REQUIRE(binary.problem == "");
  REQUIRE(encode(wamp::Encoding::json, binary.message) == R"([70,1,{},"\u0000Af8="])");
}

TEST_CASE("UNSUBSCRIBE and UNREGISTER may have Options, and their answers Details") {
  for (const auto encoding : kAllEncodings) {
    for (const int type : {34, 66}) {
      REQUIRE(Decoded(encoding, bytes_of(encoding, {type, 1, 2, json::object()})).problem == "");
      REQUIRE(Decoded(encoding, bytes_of(encoding, {type, 1, 2, {{"x", {1}}}})).problem == "");
      REQUIRE_FALSE(Decoded(encoding, bytes_of(encoding, {type, 1, 2, 3})).problem.empty());
    }
    for (const int type : {35, 67}) {
      REQUIRE(Decoded(encoding, bytes_of(encoding, {type, 1, json::object()})).problem == "");
      REQUIRE_FALSE(Decoded(encoding, bytes_of(encoding, {type, 1, 3})).problem.empty());
    }
  }
}
