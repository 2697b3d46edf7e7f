#include "load/event_load.hpp"

#include <fmt/core.h>

#include "load/failure.hpp"

namespace crosspoint::bench {
namespace {

constexpr std::size_t kUsualWindow = 256;

}  // namespace

EventLoad::EventLoad(Network& network, Clients& clients, std::size_t publishers, std::size_t subscribers_each)
    : options_(network.options()),
      clients_(clients),
      subscribers_each_(subscribers_each),
      window_(window_of(network.options(), kUsualWindow)),
      payload_(network.options().encoding, network.options().payload),
      groups_(publishers) {
  const UriMaker uri(network.random);
  for (std::size_t i = 0; i < publishers; ++i) {
    groups_[i].topic = uri("topic", i);
    groups_[i].missing.resize(window_);
    for (std::size_t k = 0; k < subscribers_each; ++k) receivers_.emplace_back(groups_[i].topic, i);
  }
}

const serializers::Serializer* EventLoad::serializer_of(std::size_t index) const {
  const auto& names = options_.subscriber_serializers;
  if (index < groups_.size() || names.empty()) return nullptr;
  return serializers::find_by_name(names[(index - groups_.size()) % names.size()]);
}

void EventLoad::on_joined(Client& client) {
  if (client.index() < groups_.size()) {
    ++ready_;
  } else {
    receivers_[client.index() - groups_.size()].subscribe(client);
  }
}

void EventLoad::begin() {
  running_ = true;
  for (std::size_t i = 0; i < groups_.size(); ++i) publish_more(i);
}

void EventLoad::publish_more(std::size_t publisher) {
  Group& group = groups_[publisher];
  while (running_ && group.sent - group.seen_by_all < window_) {
    ++group.sent;
    ++counters_.sent;
    group.missing[group.sent % window_] = static_cast<std::uint32_t>(subscribers_each_);
    publish(*clients_[publisher], group.topic, {group.sent, publisher}, payload_);
  }
}

void EventLoad::on_message(Client& client, const wamp::Message& message) {
  if (client.index() < groups_.size()) {
    if (std::holds_alternative<wamp::Published>(message)) return;
    throw Failure(fmt::format("a publisher receives {}", to_string(type_of(message))));
  }
  const std::size_t index = client.index() - groups_.size();
  EventReceiver& receiver = receivers_[index];
  const bool was_subscribed = receiver.subscribed();
  const std::uint64_t number = receiver.take(message, payload_);
  if (number == 0) {
    if (!was_subscribed) ++ready_;
    return;
  }
  ++counters_.done;
  const std::size_t publisher = index / subscribers_each_;
  Group& group = groups_[publisher];
  if (number > group.sent) throw Failure(fmt::format("event {} arrives that was never published", number));
  // Each receiver takes events in order, so that the last one to see a publication has seen all earlier ones, too.
  if (--group.missing[number % window_] > 0) return;
  group.seen_by_all = number;
  publish_more(publisher);
}

std::string EventLoad::outstanding() const { return fmt::format("{} events", under_way()); }

void EventLoad::report(const Measured& measured, Report& report) const {
  report.count("publishers", "publishers", groups_.size(), "sessions");
  report.count("subscribers", "subscribers", receivers_.size(), "sessions");
  report.count("window", "window", window_, "publications");
  report.count("published", "published", measured.counters.sent, "publications");
  report.count("events", "received", measured.counters.done, "events");
  report.figure("published_per_s", "published per second", measured.per_second(measured.counters.sent), "/s", 0);
  report.figure("events_per_s", "received per second", measured.per_second(measured.counters.done), "/s", 0);
}

}  // namespace crosspoint::bench
