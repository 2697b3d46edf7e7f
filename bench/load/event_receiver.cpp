#include "load/event_receiver.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "load/failure.hpp"

namespace crosspoint::bench {

UriMaker::UriMaker(base::Random& random) : prefix_(fmt::format("bench.run{:x}", random.next())) {}

std::string UriMaker::operator()(std::string_view kind, std::size_t number) const {
  return fmt::format("{}.{}{}", prefix_, kind, number);
}

std::size_t window_of(const Options& options, std::size_t usual) {
  constexpr std::size_t kBytes = std::size_t{1} << 20;
  if (options.window > 0) return options.window;
  return std::clamp<std::size_t>(kBytes / (options.payload + 1), 2, usual);
}

void EventReceiver::subscribe(Client& client) {
  wamp::Subscribe subscribe;
  subscribe.request = 1;
  subscribe.topic = topic_;
  client.send(std::move(subscribe));
}

std::uint64_t EventReceiver::take(const wamp::Message& message, TestPayload& payload) {
  if (const auto* subscribed = std::get_if<wamp::Subscribed>(&message)) {
    subscription_ = subscribed->subscription;
    return 0;
  }
  const auto* event = std::get_if<wamp::Event>(&message);
  if (event == nullptr) throw Failure(fmt::format("a subscriber receives {}", to_string(type_of(message))));
  TestPayload::Content content;
  if (event->subscription != subscription_) throw Failure("an event of a subscription that the session does not have");
  if (!payload.read(event->payload, content)) throw Failure(fmt::format("damaged: the event after {}", last_));
  if (content.source != source_) {
    throw Failure(fmt::format("misrouted: an event of publisher {} instead of {}", content.source, source_));
  }
  if (content.number <= last_) {
    throw Failure(
        fmt::format("repeated or out of order: event {} of publisher {} after {}", content.number, source_, last_));
  }
  if (content.number != last_ + 1) {
    throw Failure(
        fmt::format("lost or out of order: event {} of publisher {} after {}", content.number, source_, last_));
  }
  return last_ = content.number;
}

void publish(Client& client, std::string_view topic, const TestPayload::Content& content, TestPayload& payload) {
  wamp::Publish message;
  message.request = content.number;
  message.options.acknowledge = content.number == 1;
  message.topic = topic;
  message.payload = payload.write(content);
  client.send(std::move(message));
}

}  // namespace crosspoint::bench
