#include <benchmark/benchmark.h>

#include "micro/allocations.hpp"
#include "micro/sample_messages.hpp"
#include "serializers/serializers.hpp"

/// From the struct to the bytes. The payload is that of a PUBLISH or CALL in the same serializer, which is spliced
/// through, or in another one, which is converted.
namespace crosspoint::bench {
namespace {

using wamp::Encoding;

/// A payload as it stands in a received message.
wamp::Payload payload_in(const SampleMessage& received, Encoding encoding) {
  serializers::Scratch scratch;
  wamp::Message message;
  serializers::decode(encoding, received.bytes(), scratch, message);
  return *serializers::payload_of(message);
}

void encode(benchmark::State& state, const wamp::Message& message, Encoding encoding) {
  serializers::Encoder encoder;
  serializers::EncodedMessage out;
  const AllocationCounter counter(state);
  for (auto _ : state) {
    if (!encoder.encode(message, encoding, out)) return state.SkipWithError("not encoded");
    benchmark::DoNotOptimize(out);
  }
}

void encode_event(benchmark::State& state, Encoding from, Encoding to) {
  const SampleMessage received(Sample::publish, from);
  wamp::Event event;
  event.subscription = 5512723;
  event.publication = 4'294'967'296'123;
  event.payload = payload_in(received, from);
  encode(state, wamp::Message(std::move(event)), to);
}

void encode_result(benchmark::State& state, Encoding from, Encoding to) {
  const SampleMessage received(Sample::call, from);
  wamp::Result result;
  result.request = 7814;
  result.payload = payload_in(received, from);
  encode(state, wamp::Message(std::move(result)), to);
}

BENCHMARK_CAPTURE(encode_event, json, Encoding::json, Encoding::json);
BENCHMARK_CAPTURE(encode_event, msgpack, Encoding::msgpack, Encoding::msgpack);
BENCHMARK_CAPTURE(encode_event, cbor, Encoding::cbor, Encoding::cbor);
BENCHMARK_CAPTURE(encode_event, msgpack_to_json, Encoding::msgpack, Encoding::json);
BENCHMARK_CAPTURE(encode_event, json_to_msgpack, Encoding::json, Encoding::msgpack);
BENCHMARK_CAPTURE(encode_event, json_to_cbor, Encoding::json, Encoding::cbor);
BENCHMARK_CAPTURE(encode_result, json, Encoding::json, Encoding::json);
BENCHMARK_CAPTURE(encode_result, msgpack, Encoding::msgpack, Encoding::msgpack);
BENCHMARK_CAPTURE(encode_result, cbor, Encoding::cbor, Encoding::cbor);

}  // namespace
}  // namespace crosspoint::bench
