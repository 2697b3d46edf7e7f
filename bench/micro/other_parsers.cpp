#include <benchmark/benchmark.h>
#include <simdjson.h>

#include <msgpack.hpp>
#include <nlohmann/json.hpp>

#include "micro/allocations.hpp"
#include "micro/sample_messages.hpp"
#include "serializers/reader.hpp"
#include "serializers/serializers.hpp"

/// The router's own readers beside simdjson and msgpack-cxx, at the same work: what routing a PUBLISH needs, that is
/// type, request, options, topic, and where Arguments and ArgumentsKw begin and end. What comes on top differs:
/// * A router must check all of what it forwards, because clients close connections that bring them malformed messages.
///   Ours checks every byte (structure, numbers, escapes, UTF-8, depth) and fills in the message struct.
/// * simdjson's On-Demand checks UTF-8, but of a value that is skipped little more than that brackets close
///   (simdjson_skip), so that it would have to visit the values as well (simdjson_visit). Its first stage uses what the
///   CPU has, its second what the compiler was told to use.
/// * msgpack-cxx checks the structure but no UTF-8.
/// * nlohmann::json builds a tree and is there for scale.
namespace crosspoint::bench {
namespace {

using wamp::Encoding;

struct Envelope {
  std::uint64_t type = 0, request = 0;
  bool acknowledge = false;
  std::string_view topic, arguments, keywords;
};

bool is_sample(const Envelope& envelope, Sample sample) {
  return envelope.type == 16 && envelope.request == 7814 && envelope.topic.starts_with("com.example") &&
         envelope.acknowledge == (sample == Sample::publish) && envelope.arguments.size() > 10 &&
         envelope.keywords.empty() == (sample == Sample::publish_128k);
}

template <class Parse>
void measure(benchmark::State& state, Sample sample, const SampleMessage& message, Parse&& parse) {
  Envelope envelope;
  if (!parse(envelope) || !is_sample(envelope, sample)) return state.SkipWithError("wrong result");
  const AllocationCounter counter(state, message.bytes().size());
  for (auto _ : state) {
    benchmark::DoNotOptimize(parse(envelope));
    benchmark::DoNotOptimize(envelope);
  }
}

void ours(benchmark::State& state, Sample sample, Encoding encoding) {
  const SampleMessage message(sample, encoding);
  serializers::Scratch scratch;
  wamp::Message decoded;
  measure(state, sample, message, [&](Envelope& out) {
    if (encoding == Encoding::json && !serializers::is_utf8(base::as_text(message.bytes()))) return false;
    if (!serializers::decode(encoding, message.bytes(), scratch, decoded).empty()) return false;
    const auto& publish = std::get<wamp::Publish>(decoded);
    out.type = 16;
    out.request = publish.request;
    out.acknowledge = publish.options.acknowledge;
    out.topic = publish.topic;
    // Both in one piece, as it is forwarded.
    out.arguments = base::as_text(publish.payload.bytes);
    out.keywords = publish.payload.elements == 2 ? out.arguments : std::string_view();
    return true;
  });
}

namespace od = simdjson::ondemand;

/// Reads a value and all in it, so that it is known to be well-formed.
bool visit(od::value value) {
  od::json_type type{};
  if (value.type().get(type) != simdjson::SUCCESS) return false;
  switch (type) {
    case od::json_type::array: {
      od::array items;
      if (value.get_array().get(items) != simdjson::SUCCESS) return false;
      for (auto element : items) {
        od::value item;
        if (element.get(item) != simdjson::SUCCESS || !visit(item)) return false;
      }
      return true;
    }
    case od::json_type::object: {
      od::object fields;
      if (value.get_object().get(fields) != simdjson::SUCCESS) return false;
      for (auto element : fields) {
        std::string_view key;
        od::value item;
        if (element.unescaped_key().get(key) != simdjson::SUCCESS) return false;
        if (element.value().get(item) != simdjson::SUCCESS || !visit(item)) return false;
      }
      return true;
    }
    case od::json_type::number: {
      od::number number;
      return value.get_number().get(number) == simdjson::SUCCESS;
    }
    case od::json_type::string: {
      std::string_view text;
      return value.get_string().get(text) == simdjson::SUCCESS;
    }
    case od::json_type::boolean: {
      bool flag = false;
      return value.get_bool().get(flag) == simdjson::SUCCESS;
    }
    default: {
      bool null = false;
      return value.is_null().get(null) == simdjson::SUCCESS && null;
    }
  }
}

bool read_options(od::value value, Envelope& out) {
  od::object options;
  if (value.get_object().get(options) != simdjson::SUCCESS) return false;
  for (auto field : options) {
    std::string_view key;
    if (field.unescaped_key().get(key) != simdjson::SUCCESS) return false;
    if (key == "acknowledge" && field.value().get_bool().get(out.acknowledge) != simdjson::SUCCESS) return false;
  }
  return true;
}

/// Arguments or ArgumentsKw: its bytes.
bool read_payload(od::document& document, od::value value, bool visited, std::string_view& out) {
  if (!visited) {
    od::json_type type{};
    if (value.type().get(type) != simdjson::SUCCESS) return false;
    od::array list;
    od::object dict;
    if (type == od::json_type::array) {
      return value.get_array().get(list) == simdjson::SUCCESS && list.raw_json().get(out) == simdjson::SUCCESS;
    }
    return value.get_object().get(dict) == simdjson::SUCCESS && dict.raw_json().get(out) == simdjson::SUCCESS;
  }
  const char* start = value.raw_json_token().data();
  const char* end = nullptr;
  if (!visit(value) || document.current_location().get(end) != simdjson::SUCCESS) return false;
  out = {start, static_cast<std::size_t>(end - start)};
  return true;
}

void simdjson_on_demand(benchmark::State& state, Sample sample, bool visited) {
  const SampleMessage message(sample, Encoding::json);
  od::parser parser;
  const simdjson::padded_string_view text(reinterpret_cast<const char*>(message.bytes().data()), message.bytes().size(),
                                          message.padded().size());
  measure(state, sample, message, [&](Envelope& out) {
    od::document document;
    od::array fields;
    if (parser.iterate(text).get(document) != simdjson::SUCCESS) return false;
    if (document.get_array().get(fields) != simdjson::SUCCESS) return false;
    out.acknowledge = false;
    out.keywords = {};
    std::size_t position = 0;
    for (auto element : fields) {
      od::value value;
      if (element.get(value) != simdjson::SUCCESS) return false;
      bool good = false;
      switch (position++) {
        case 0:
          good = value.get_uint64().get(out.type) == simdjson::SUCCESS;
          break;
        case 1:
          good = value.get_uint64().get(out.request) == simdjson::SUCCESS;
          break;
        case 2:
          good = read_options(value, out);
          break;
        case 3:
          good = value.get_string().get(out.topic) == simdjson::SUCCESS;
          break;
        case 4:
          good = read_payload(document, value, visited, out.arguments);
          break;
        default:
          good = read_payload(document, value, visited, out.keywords);
      }
      if (!good) return false;
    }
    return position >= 4;
  });
}

/// Takes what an envelope's scalar fields are; lists and dictionaries pass by.
struct ScalarVisitor : msgpack::null_visitor {
  std::uint64_t number = 0;
  std::string_view text;
  bool flag = false;
  bool in_key = false;
  bool acknowledge = false;  // the key just read was this one

  bool visit_positive_integer(std::uint64_t value) {
    number = value;
    return true;
  }
  bool visit_boolean(bool value) {
    if (acknowledge) flag = value;
    return true;
  }
  bool visit_str(const char* value, std::uint32_t size) {
    text = {value, size};
    if (in_key) acknowledge = text == "acknowledge";
    return true;
  }
  bool start_map_key() {
    in_key = true;
    return true;
  }
  bool end_map_key() {
    in_key = false;
    return true;
  }
};

void msgpack_visitor(benchmark::State& state, Sample sample) {
  const SampleMessage message(sample, Encoding::msgpack);
  const auto* data = reinterpret_cast<const char*>(message.bytes().data());
  const std::size_t size = message.bytes().size();
  measure(state, sample, message, [&](Envelope& out) {
    // A visitor is not told where it is, so that each field is parsed by a call of its own.
    const auto fields = static_cast<std::size_t>(static_cast<unsigned char>(data[0]) - 0x90);
    if (fields < 4 || fields > 6) return false;
    std::size_t at = 1;
    out.keywords = {};
    for (std::size_t position = 0; position < fields; ++position) {
      const std::size_t start = at;
      ScalarVisitor visitor;
      if (!msgpack::parse(data, size, at, visitor)) return false;
      const std::string_view raw{data + start, at - start};
      if (position == 0) out.type = visitor.number;
      if (position == 1) out.request = visitor.number;
      if (position == 2) out.acknowledge = visitor.flag;
      if (position == 3) out.topic = visitor.text;
      if (position == 4) out.arguments = raw;
      if (position == 5) out.keywords = raw;
    }
    return at == size;
  });
}

void nlohmann_tree(benchmark::State& state, Sample sample, Encoding encoding) {
  const SampleMessage message(sample, encoding);
  const auto bytes = message.bytes();
  nlohmann::json tree;
  measure(state, sample, message, [&](Envelope& out) {
    tree = encoding == Encoding::json ? nlohmann::json::parse(bytes.begin(), bytes.end(), nullptr, false)
                                      : nlohmann::json::from_msgpack(bytes.begin(), bytes.end(), true, false);
    if (tree.is_discarded()) return false;
    out.type = tree[0].get<std::uint64_t>();
    out.request = tree[1].get<std::uint64_t>();
    out.acknowledge = tree[2].value("acknowledge", false);
    out.topic = tree[3].get_ref<const std::string&>();
    // A tree has forgotten the bytes; where they were stands in for them here.
    out.arguments = base::as_text(bytes);
    out.keywords = tree.size() > 5 ? base::as_text(bytes) : std::string_view();
    return true;
  });
}

BENCHMARK_CAPTURE(ours, json, Sample::publish, Encoding::json)->Name("envelope/json/ours");
BENCHMARK_CAPTURE(simdjson_on_demand, skip, Sample::publish, false)->Name("envelope/json/simdjson_skip");
BENCHMARK_CAPTURE(simdjson_on_demand, visit, Sample::publish, true)->Name("envelope/json/simdjson_visit");
BENCHMARK_CAPTURE(nlohmann_tree, json, Sample::publish, Encoding::json)->Name("envelope/json/nlohmann_tree");
BENCHMARK_CAPTURE(ours, msgpack, Sample::publish, Encoding::msgpack)->Name("envelope/msgpack/ours");
BENCHMARK_CAPTURE(msgpack_visitor, msgpack, Sample::publish)->Name("envelope/msgpack/msgpack_cxx_visitor");
BENCHMARK_CAPTURE(nlohmann_tree, msgpack, Sample::publish, Encoding::msgpack)->Name("envelope/msgpack/nlohmann_tree");
BENCHMARK_CAPTURE(ours, json_128k, Sample::publish_128k, Encoding::json)->Name("envelope_128k/json/ours");
BENCHMARK_CAPTURE(simdjson_on_demand, skip_128k, Sample::publish_128k, false)->Name("envelope_128k/json/simdjson_skip");
BENCHMARK_CAPTURE(simdjson_on_demand, visit_128k, Sample::publish_128k, true)
    ->Name("envelope_128k/json/simdjson_visit");
BENCHMARK_CAPTURE(ours, msgpack_128k, Sample::publish_128k, Encoding::msgpack)->Name("envelope_128k/msgpack/ours");
BENCHMARK_CAPTURE(msgpack_visitor, msgpack_128k, Sample::publish_128k)
    ->Name("envelope_128k/msgpack/msgpack_cxx_visitor");

}  // namespace
}  // namespace crosspoint::bench
