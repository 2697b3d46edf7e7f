// Routes a fixed sequence of messages through the whole router in one thread and says what each of them costs, in
// figures that are the same on a busy machine: allocations, and, under callgrind, instructions. bin/count-instructions
// runs it. With --time it says the CPU time.
#include <fmt/core.h>

#include <map>
#include <string>
#include <string_view>

#include "path/scenario.hpp"

namespace {

using namespace crosspoint::bench;

struct Entry {
  std::function<Cost(bool)> run;
  bool counted = true;  ///< bin/count-instructions runs it; the others would take minutes under callgrind
};

const std::map<std::string, Entry> kScenarios{
    {"fanout-json", {[](bool warm) { return fan_out(Format::json, Format::json, warm); }}},
    {"fanout-msgpack", {[](bool warm) { return fan_out(Format::msgpack, Format::msgpack, warm); }}},
    {"fanout-cbor", {[](bool warm) { return fan_out(Format::cbor, Format::cbor, warm); }}},
    {"fanout-json-to-msgpack", {[](bool warm) { return fan_out(Format::json, Format::msgpack, warm); }}},
    {"rpc-json", {[](bool warm) { return calls(Format::json, Format::json, warm); }}},
    {"rpc-msgpack", {[](bool warm) { return calls(Format::msgpack, Format::msgpack, warm); }}},
    {"rpc-cbor", {[](bool warm) { return calls(Format::cbor, Format::cbor, warm); }}},
    {"rpc-json-to-msgpack", {[](bool warm) { return calls(Format::json, Format::msgpack, warm); }}},
    {"patterns-30", {[](bool warm) { return patterns(30, warm); }, false}},
    {"patterns-100000", {[](bool warm) { return patterns(100'000, warm); }, false}},
};

int usage() {
  fmt::print(stderr,
             "Usage: routed_messages --list | SCENARIO [--warm-up | --time]\n"
             "--warm-up stops before what counts: what a run costs more than that is the messages' doing.\n"
             "--time says the CPU time as well. Scenarios:\n");
  for (const auto& [name, entry] : kScenarios) fmt::print(stderr, "  {}\n", name);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view name = argc >= 2 ? argv[1] : "";
  const std::string_view flag = argc == 3 ? argv[2] : "";
  if (argc == 2 && name == "--list") {
    for (const auto& [scenario, entry] : kScenarios) {
      if (entry.counted) fmt::print("{}\n", scenario);
    }
    return 0;
  }
  const auto scenario = kScenarios.find(std::string(name));
  if (scenario == kScenarios.end() || argc > 3 || (argc == 3 && flag != "--warm-up" && flag != "--time"))
    return usage();
  const Cost cost = scenario->second.run(flag == "--warm-up");
  fmt::print("{} messages, {} allocations\n", cost.messages, cost.allocations);
  if (flag == "--time") fmt::print("{:.0f} ns each\n", 1e9 * cost.cpu_seconds / static_cast<double>(cost.messages));
  return 0;
}
