// Routes a fixed sequence of messages through the whole router in one thread and says what each of them costs, in
// figures that are the same on a busy machine: allocations, and, under callgrind, instructions.
// bin/count-instructions runs it.
#include <fmt/core.h>

#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "path/peer.hpp"

namespace {

using namespace crosspoint::bench;

constexpr std::size_t kRounds = 40;
constexpr std::size_t kWindow = 32;  // messages of a peer per round
constexpr std::size_t kSubscribers = 100;

const std::string kText(64, 'x');

/// What the rounds of a scenario have cost. The first rounds, which fill caches and pools, do not count.
struct Cost {
  std::size_t messages = 0;
  std::uint64_t allocations = 0;
};

void require(bool condition, const char* what) {
  if (condition) return;
  fmt::print(stderr, "routed_messages: {}\n", what);
  std::exit(1);
}

/// Runs `round` until everything has its size, and then kRounds times.
Cost measure(InProcessRouter& router, const std::function<std::size_t()>& round, bool warm_up_only) {
  for (int i = 0; i < 8; ++i) round();
  router.reset();
  Cost cost;
  for (std::size_t i = 0; !warm_up_only && i < kRounds; ++i) cost.messages += round();
  cost.allocations = router.allocations();
  return cost;
}

Cost fan_out(Format publisher, Format subscriber, bool warm_up_only) {
  InProcessRouter router;
  Peer sender(router, publisher);
  std::vector<std::unique_ptr<Peer>> receivers;
  for (std::size_t i = 0; i < kSubscribers; ++i) {
    receivers.push_back(std::make_unique<Peer>(router, subscriber));
    require(receivers.back()->ask({32, 1, Json::object(), "com.example.topic"}).at(0) == 33, "not subscribed");
  }
  std::uint64_t request = 0;
  return measure(
      router,
      [&] {
        std::string frames;
        for (std::size_t i = 0; i < kWindow; ++i)
          frames += sender.frame({16, ++request, Json::object(), "com.example.topic", {kText}});
        sender.write(frames);
        router.run();
        for (const auto& receiver : receivers)
          require(receiver->count_messages() == kWindow, "a subscriber has not got all events");
        return kWindow * kSubscribers;
      },
      warm_up_only);
}

Cost calls(Format caller, Format callee, bool warm_up_only) {
  InProcessRouter router;
  Peer provider(router, callee);
  require(provider.ask({64, 1, Json::object(), "com.example.procedure"}).at(0) == 65, "not registered");
  std::vector<std::unique_ptr<Peer>> callers;
  for (int i = 0; i < 4; ++i) callers.push_back(std::make_unique<Peer>(router, caller));
  std::uint64_t request = 0;
  return measure(
      router,
      [&] {
        for (const auto& peer : callers) {
          std::string frames;
          for (std::size_t i = 1; i <= kWindow; ++i)
            frames += peer->frame({48, request + i, Json::object(), "com.example.procedure", {kText}});
          peer->write(frames);
        }
        request += kWindow;
        router.run();
        std::string frames;
        for (const Json& invocation : provider.read_messages())
          frames += provider.frame({70, invocation.at(1), Json::object(), invocation.at(4)});
        provider.write(frames);
        router.run();
        for (const auto& peer : callers) require(peer->count_messages() == kWindow, "a caller has not got all results");
        return kWindow * callers.size();
      },
      warm_up_only);
}

const std::map<std::string, std::function<Cost(bool)>> kScenarios{
    {"fanout-json", [](bool warm) { return fan_out(Format::json, Format::json, warm); }},
    {"fanout-msgpack", [](bool warm) { return fan_out(Format::msgpack, Format::msgpack, warm); }},
    {"fanout-cbor", [](bool warm) { return fan_out(Format::cbor, Format::cbor, warm); }},
    {"fanout-json-to-msgpack", [](bool warm) { return fan_out(Format::json, Format::msgpack, warm); }},
    {"rpc-json", [](bool warm) { return calls(Format::json, Format::json, warm); }},
    {"rpc-msgpack", [](bool warm) { return calls(Format::msgpack, Format::msgpack, warm); }},
    {"rpc-cbor", [](bool warm) { return calls(Format::cbor, Format::cbor, warm); }},
    {"rpc-json-to-msgpack", [](bool warm) { return calls(Format::json, Format::msgpack, warm); }},
};

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && argv[1] == std::string("--list")) {
    for (const auto& [name, run] : kScenarios) fmt::print("{}\n", name);
    return 0;
  }
  const auto scenario = argc >= 2 ? kScenarios.find(argv[1]) : kScenarios.end();
  const bool warm_up_only = argc == 3 && argv[2] == std::string("--warm-up");
  if (scenario == kScenarios.end() || argc > 3 || (argc == 3 && !warm_up_only)) {
    fmt::print(stderr,
               "Usage: routed_messages --list | SCENARIO [--warm-up]\n"
               "--warm-up stops before what counts: what a run costs more than that is the messages' doing.\n");
    return 2;
  }
  const Cost cost = scenario->second(warm_up_only);
  fmt::print("{} messages, {} allocations\n", cost.messages, cost.allocations);
  return 0;
}
