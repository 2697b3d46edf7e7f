#include <memory>
#include <string>
#include <vector>

#include "path/scenario.hpp"

namespace crosspoint::bench {
namespace {

constexpr std::size_t kWindow = 32;  // messages of a peer per round
constexpr std::size_t kSubscribers = 100;

const std::string kText(64, 'x');

}  // namespace

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

Cost patterns(std::size_t subscriptions, bool warm_up_only) {
  // Enough for the router to have more topics behind it than it remembers.
  constexpr std::size_t kPublications = 2048;
  InProcessRouter router;
  Peer sender(router, Format::msgpack);
  Peer receiver(router, Format::msgpack);
  const std::size_t groups = subscriptions / 3;
  const auto house = [](std::size_t i) { return "com.house" + std::to_string(i); };
  const auto device = [](std::size_t i) { return "device" + std::to_string(i); };
  for (std::size_t i = 0; i < groups; ++i) {
    std::uint64_t request = 3 * i;
    const auto subscribe = [&](const std::string& uri, const char* match) {
      require(receiver.ask({32, ++request, {{"match", match}}, uri}).at(0) == 33, "not subscribed");
    };
    subscribe(house(i) + "." + device(i), "exact");
    subscribe(house(i) + ".", "prefix");
    subscribe("com.." + device(i), "wildcard");
  }
  std::uint64_t request = 0;
  return measure(
      router,
      [&] {
        std::string frames;
        for (std::size_t k = 0; k < kPublications; ++k) {
          const std::size_t i = ++request * 7919 % groups;
          frames += sender.frame({16, request, Json::object(), house(i) + "." + device(i), {kText}});
        }
        sender.write(frames);
        router.run();
        require(receiver.count_messages() == 3 * kPublications,
                "the subscriber has not got three events for each publication");
        return kPublications;
      },
      warm_up_only);
}

}  // namespace crosspoint::bench
