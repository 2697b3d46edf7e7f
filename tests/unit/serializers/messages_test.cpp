#include <catch2/catch.hpp>

#include "unit/serializers/samples.hpp"

using namespace crosspoint;
using namespace crosspoint::test;
using nlohmann::json;

TEST_CASE("every message round-trips in every serializer, and from each to each other (Messages)") {
  for (const json& sample : sample_messages()) {
    for (const auto from : kAllEncodings) {
      Decoded decoded(from, bytes_of(from, sample));
      INFO(sample.dump() << ", " << serializers::of(from).name);
      REQUIRE(decoded.problem.empty());
      REQUIRE(static_cast<int>(wamp::type_of(decoded.message)) == sample[0]);
      for (const auto to : kAllEncodings) {
        const std::string encoded = encode(to, decoded.message);
        REQUIRE(value_of(to, encoded) == sample);
        REQUIRE(Decoded(to, encoded).problem.empty());
      }
    }
  }
}

TEST_CASE("the sizes of an encoded message add up") {
  Decoded decoded(wamp::Encoding::json, R"([16,1,{},"com.topic",[1],{"k":2}])");
  serializers::Encoder encoder;
  serializers::EncodedMessage encoded;
  for (const auto encoding : kAllEncodings) {
    REQUIRE(encoder.encode(decoded.message, encoding, encoded));
    REQUIRE(encoded.size() == encode(encoding, decoded.message).size());
  }
}

TEST_CASE("of PUBLISH.Options routing reads what it acts on") {
  Decoded decoded(wamp::Encoding::json,
                  R"([16,5,{"acknowledge":true,"exclude_me":false,"x_custom":{"a":[1]},"exclude":[7],
                      "eligible_authrole":["staff"],"exclude_authid":null},"com.topic"])");
  REQUIRE(decoded.problem.empty());
  const auto& publish = std::get<wamp::Publish>(decoded.message);
  REQUIRE(publish.request == 5);
  REQUIRE(publish.options.acknowledge);
  REQUIRE_FALSE(publish.options.exclude_me);
  REQUIRE(publish.options.filter->exclude == std::vector<std::uint64_t>{7});
  REQUIRE(publish.options.filter->eligible_authrole == std::vector<std::string_view>{"staff"});
  REQUIRE_FALSE(publish.options.filter->exclude_authid.has_value());
  REQUIRE_FALSE(publish.options.filter->eligible.has_value());
  Decoded plain(wamp::Encoding::json, R"([16,5,{},"com.topic"])");
  REQUIRE(std::get<wamp::Publish>(plain.message).options.exclude_me);
  REQUIRE(std::get<wamp::Publish>(plain.message).options.filter == nullptr);
}

TEST_CASE("payloads are the sender's bytes, to the letter, in the same serializer") {
  const std::string payload = R"([ 1.50 , "\u00fc" ] , { "k" :1e3})";
  Decoded decoded(wamp::Encoding::json, "[16, 1, {}, \"com.topic\" ,  " + payload + "  ] ");
  REQUIRE(decoded.problem.empty());
  const auto& found = std::get<wamp::Publish>(decoded.message).payload;
  REQUIRE(found.elements == 2);
  REQUIRE(base::as_text(found.bytes) == payload);
  wamp::Event event;
  event.subscription = 1;
  event.publication = 2;
  event.payload = found;
  REQUIRE(encode(wamp::Encoding::json, std::move(event)) == "[36,1,2,{}," + payload + "]");
}

TEST_CASE("HELLO may leave the realm open") {
  Decoded decoded(wamp::Encoding::json, R"([1,null,{"roles":{}}])");
  REQUIRE(decoded.problem.empty());
  REQUIRE(std::get<wamp::Hello>(decoded.message).realm.empty());
}

TEST_CASE("ABORT may carry arguments, which are passed over") {
  Decoded decoded(wamp::Encoding::json, R"([3,{},"wamp.error.protocol_violation",["why"],{"a":1}])");
  REQUIRE(decoded.problem.empty());
}

TEST_CASE("a large payload is shared, not copied, once its owner is known") {
  const std::string text = R"([16,1,{},"com.topic",[")" + std::string(10000, 'x') + "\"]]";
  const auto owner = base::ChunkRef::copy_of(base::as_bytes(text));
  serializers::Scratch scratch;
  wamp::Message message;
  REQUIRE(serializers::decode(wamp::Encoding::json, {owner->data(), owner->size()}, scratch, message).empty());
  serializers::share_payload(message, owner);
  REQUIRE(std::get<wamp::Publish>(message).payload.owner.get() == owner.get());
  Decoded small(wamp::Encoding::json, R"([16,1,{},"com.topic",[1]])");
  serializers::share_payload(small.message, owner);
  REQUIRE_FALSE(std::get<wamp::Publish>(small.message).payload.owner);
}

TEST_CASE("serializers are found by their names and subprotocols") {
  REQUIRE(serializers::find_by_name("msgpack")->subprotocol == "wamp.2.msgpack");
  REQUIRE(serializers::find_by_subprotocol("wamp.2.cbor")->encoding == wamp::Encoding::cbor);
  REQUIRE(serializers::find_by_subprotocol("wamp.2.json")->is_text);
  REQUIRE(serializers::find_by_name("xml") == nullptr);
  REQUIRE(serializers::find_by_subprotocol("wamp.2.json.batched") == nullptr);
  for (const auto encoding : kAllEncodings) REQUIRE(serializers::of(encoding).encoding == encoding);
}
