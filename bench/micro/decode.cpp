#include <benchmark/benchmark.h>

#include "micro/allocations.hpp"
#include "micro/sample_messages.hpp"
#include "serializers/reader.hpp"
#include "serializers/serializers.hpp"

/// From the bytes of a message to the struct: all of it is checked, the payload stays as it is.
namespace crosspoint::bench {
namespace {

using wamp::Encoding;

void decode(benchmark::State& state, Sample sample, Encoding encoding) {
  const SampleMessage message(sample, encoding);
  serializers::Scratch scratch;
  wamp::Message out;
  const AllocationCounter counter(state, message.bytes().size());
  for (auto _ : state) {
    const bool utf8 = encoding != Encoding::json || serializers::is_utf8(base::as_text(message.bytes()));
    const auto problem = serializers::decode(encoding, message.bytes(), scratch, out);
    if (!utf8 || !problem.empty()) return state.SkipWithError("malformed");
    benchmark::DoNotOptimize(out);
  }
}

/// The part of decoding JSON that is done on the whole message first.
void check_utf8(benchmark::State& state, Sample sample) {
  const SampleMessage message(sample, Encoding::json);
  const AllocationCounter counter(state, message.bytes().size());
  for (auto _ : state) benchmark::DoNotOptimize(serializers::is_utf8(base::as_text(message.bytes())));
}

BENCHMARK_CAPTURE(check_utf8, publish, Sample::publish);
BENCHMARK_CAPTURE(check_utf8, publish_128k, Sample::publish_128k);
BENCHMARK_CAPTURE(decode, publish_json, Sample::publish, Encoding::json);
BENCHMARK_CAPTURE(decode, publish_msgpack, Sample::publish, Encoding::msgpack);
BENCHMARK_CAPTURE(decode, publish_cbor, Sample::publish, Encoding::cbor);
BENCHMARK_CAPTURE(decode, call_json, Sample::call, Encoding::json);
BENCHMARK_CAPTURE(decode, call_msgpack, Sample::call, Encoding::msgpack);
BENCHMARK_CAPTURE(decode, call_cbor, Sample::call, Encoding::cbor);
BENCHMARK_CAPTURE(decode, event_json, Sample::event, Encoding::json);
BENCHMARK_CAPTURE(decode, event_msgpack, Sample::event, Encoding::msgpack);
BENCHMARK_CAPTURE(decode, event_cbor, Sample::event, Encoding::cbor);
BENCHMARK_CAPTURE(decode, publish_128k_json, Sample::publish_128k, Encoding::json);
BENCHMARK_CAPTURE(decode, publish_128k_msgpack, Sample::publish_128k, Encoding::msgpack);
BENCHMARK_CAPTURE(decode, publish_128k_cbor, Sample::publish_128k, Encoding::cbor);

}  // namespace
}  // namespace crosspoint::bench
