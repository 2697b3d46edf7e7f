#pragma once

#include <string>
#include <vector>

#include "load/event_receiver.hpp"
#include "load/scenario.hpp"

namespace crosspoint::bench {

/// Publishers, each with a topic of its own and the same number of subscribers: what `fanout` and `pairs` have in
/// common. A publisher keeps at most a window of publications under way that not all of its subscribers have seen, so
/// that it goes as fast as they do and no faster.
class EventLoad final : public Scenario {
 public:
  EventLoad(Network& network, Clients& clients, std::size_t publishers, std::size_t subscribers_each);

  std::size_t sessions() const override { return groups_.size() + receivers_.size(); }
  const serializers::Serializer* serializer_of(std::size_t index) const override;
  std::size_t ready() const override { return ready_; }
  void begin() override;
  void finish() override { running_ = false; }
  bool drained() const override { return under_way() == 0; }
  std::string outstanding() const override;
  Counters counters() const override { return counters_; }
  std::string_view unit() const override { return "events"; }
  void report(const Measured& measured, Report& report) const override;

  void on_joined(Client& client) override;
  void on_message(Client& client, const wamp::Message& message) override;

 private:
  struct Group {
    std::string topic;
    std::uint64_t sent = 0;
    std::uint64_t seen_by_all = 0;
    std::vector<std::uint32_t> missing;  // receivers that have not seen a publication, by its number modulo the size
  };
  void publish_more(std::size_t publisher);
  std::uint64_t under_way() const { return counters_.sent * subscribers_each_ - counters_.done; }

  const Options& options_;
  Clients& clients_;
  const std::size_t subscribers_each_;
  const std::size_t window_;
  TestPayload payload_;
  std::vector<Group> groups_;             // of client i, the publishers
  std::vector<EventReceiver> receivers_;  // of client groups_.size() + i
  std::size_t ready_ = 0;
  Counters counters_;
  bool running_ = false;
};

}  // namespace crosspoint::bench
