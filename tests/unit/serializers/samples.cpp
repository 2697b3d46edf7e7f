#include "unit/serializers/samples.hpp"

namespace crosspoint::test {

using nlohmann::json;

const std::vector<json>& sample_messages() {
  static const std::vector<json> samples = [] {
    const json none = json::object();
    const json args = {1, "two", nullptr, true, -3, 4.5, {5, {6}}};
    const json kwargs = {{"key", "value"}, {"nested", {{"list", {1, 2}}}}};
    std::vector<json> all = {
        {1, "realm1", {{"roles", {{"subscriber", none}}}}},
        {2, 9129137332, {{"roles", {{"broker", none}}}}},
        {3, {{"message", "no"}}, "wamp.error.no_such_realm"},
        {4, "wampcra", {{"challenge", "{\"a\": 1}"}}},
        {5, "signature", none},
        {6, none, "wamp.close.close_realm"},
        {17, 239714735, 4429313566},
        {32, 713845233, none, "com.myapp.mytopic1"},
        {32, 1, {{"match", "prefix"}}, "com"},
        {32, 1, {{"match", "wildcard"}}, "com..x"},
        {33, 713845233, 5512315355},
        {34, 85346237, 5512315355},
        {35, 85346237},
        {49, 7814135, {{"mode", "kill"}}},
        {64, 25349185, none, "com.myapp.myprocedure1"},
        {64, 2, {{"match", "prefix"}, {"invoke", "roundrobin"}}, "com"},
        {64, 2, {{"invoke", "random"}}, "com.x"},
        {65, 25349185, 2103333224},
        {66, 788923562, 2103333224},
        {67, 788923562},
        {69, 6131533, {{"mode", "kill"}}},
    };
    // Those with a payload: without, with arguments, with both.
    const std::vector<json> carriers = {
        {8, 48, 7814135, none, "wamp.error.no_such_procedure"},
        {8, 68, 1, {{"detail", 5}}, "com.error"},
        {16, 239714735, none, "com.myapp.mytopic1"},
        {16, 1, {{"acknowledge", true}, {"exclude_me", false}}, "com.topic"},
        {16, 1, {{"exclude", {1, 2}}, {"exclude_authid", {"a"}}, {"exclude_authrole", {"b", "c"}}}, "com.topic"},
        {16, 1, {{"eligible", json::array()}, {"eligible_authid", {"a"}}, {"eligible_authrole", {"b"}}}, "com.topic"},
        {36, 5512315355, 4429313566, none},
        {36, 1, 2, {{"publisher", 3}, {"publisher_authid", "ann"}, {"publisher_authrole", "user"}, {"topic", "a.b"}}},
        {48, 7814135, none, "com.myapp.user.new"},
        {48, 1, {{"timeout", 1000}}, "com.x"},
        {50, 7814135, none},
        {50, 1, {{"callee", 3}, {"callee_authid", "ann"}, {"callee_authrole", "user"}}},
        {68, 6131533, 9823529, none},
        {68, 1, 2, {{"caller", 3}, {"caller_authid", "ann"}, {"caller_authrole", "user"}, {"procedure", "a.b"}}},
        {70, 6131533, none},
    };
    for (const json& carrier : carriers) {
      json message = carrier;
      all.push_back(message);
      message.push_back(args);
      all.push_back(message);
      message.push_back(kwargs);
      all.push_back(message);
    }
    return all;
  }();
  return samples;
}

std::string bytes_of(wamp::Encoding encoding, const json& value) {
  std::vector<std::uint8_t> bytes;
  switch (encoding) {
    case wamp::Encoding::msgpack:
      json::to_msgpack(value, bytes);
      break;
    case wamp::Encoding::cbor:
      json::to_cbor(value, bytes);
      break;
    case wamp::Encoding::ubjson:
      json::to_ubjson(value, bytes);
      break;
    default:
      return value.dump();
  }
  return {bytes.begin(), bytes.end()};
}

json value_of(wamp::Encoding encoding, const std::string& bytes) {
  if (encoding == wamp::Encoding::msgpack) return json::from_msgpack(bytes);
  if (encoding == wamp::Encoding::cbor) return json::from_cbor(bytes);
  if (encoding == wamp::Encoding::ubjson) return json::from_ubjson(bytes);
  return json::parse(bytes);
}

Decoded::Decoded(wamp::Encoding encoding, std::string encoded) : bytes(std::move(encoded)) {
  bytes.shrink_to_fit();
  problem = serializers::decode(encoding, base::as_bytes(bytes), scratch, message);
}

std::string encode(wamp::Encoding encoding, const wamp::Message& message) {
  static serializers::Encoder encoder;
  serializers::EncodedMessage encoded;
  if (!encoder.encode(message, encoding, encoded)) return {};
  std::string text(base::as_text(encoded.head));
  text += base::as_text(encoded.payload);
  return text += encoded.tail;
}

}  // namespace crosspoint::test
