#include <fmt/core.h>

#include "load/event_receiver.hpp"
#include "load/failure.hpp"
#include "load/scenario.hpp"

namespace crosspoint::bench {
namespace {

using Clock = std::chrono::steady_clock;

/// A router that is further behind than this does not keep up, and its queues would only grow.
constexpr double kMaxBehindSeconds = 5;

/// Publications at a fixed rate, whatever the router does. An event's time counts from when its publication was due,
/// not from when it was sent: a delay that holds back later publications counts for each of them (no coordinated
/// omission).
class Latency final : public Scenario {
 public:
  Latency(Network& network, Clients& clients)
      : network_(network),
        clients_(clients),
        payload_(network.options().encoding, network.options().payload),
        topic_(UriMaker(network.random)("topic", 0)),
        receivers_(network.options().subscribers, EventReceiver(topic_, 0)),
        interval_(1.0 / network.options().rate) {}

  std::size_t sessions() const override { return 1 + receivers_.size(); }
  std::size_t ready() const override { return ready_; }
  void begin() override {
    running_ = true;
    start_ = Clock::now();
    publish_due();
  }
  void measure() override {
    first_measured_ = published_ + 1;
    late_.clear();
  }
  void finish() override { running_ = false; }
  bool drained() const override { return published_ * receivers_.size() == counters_.done; }
  std::string outstanding() const override {
    return fmt::format("{} events", published_ * receivers_.size() - counters_.done);
  }
  Counters counters() const override { return counters_; }
  std::string_view unit() const override { return "events"; }

  void report(const Measured& measured, Report& report) const override {
    report.figure("rate", "rate asked for", network_.options().rate, "/s", 1);
    report.count("subscribers", "subscribers", receivers_.size(), "sessions");
    report.count("published", "published", measured.counters.sent, "publications");
    report.count("events", "received", measured.counters.done, "events");
    report.figure("published_per_s", "published per second", measured.per_second(measured.counters.sent), "/s", 1);
    report.latency("latency_us", "latency", times_);
    report.latency("sent_late_us", "sent late by", late_);
  }

  void on_joined(Client& client) override {
    if (client.index() == 0) {
      ++ready_;
    } else {
      receivers_[client.index() - 1].subscribe(client);
    }
  }

  void on_message(Client& client, const wamp::Message& message) override {
    if (client.index() == 0) {
      if (std::holds_alternative<wamp::Published>(message)) return;
      throw Failure(fmt::format("a publisher receives {}", to_string(type_of(message))));
    }
    EventReceiver& receiver = receivers_[client.index() - 1];
    const bool was_subscribed = receiver.subscribed();
    const std::uint64_t number = receiver.take(message, payload_);
    if (number == 0) {
      if (!was_subscribed) ++ready_;
      return;
    }
    ++counters_.done;
    if (first_measured_ > 0 && number >= first_measured_) times_.record(Clock::now() - due(number));
  }

 private:
  Clock::time_point due(std::uint64_t number) const {
    return start_ + std::chrono::duration_cast<Clock::duration>(interval_ * static_cast<double>(number - 1));
  }

  void publish_due() {
    if (!running_) return;
    const auto now = Clock::now();
    while (due(published_ + 1) <= now) {
      late_.record(now - due(published_ + 1));
      ++published_;
      ++counters_.sent;
      publish(*clients_[0], topic_, {published_, 0}, payload_);
    }
    for (const EventReceiver& receiver : receivers_) {
      if (static_cast<double>(published_ - receiver.last()) * interval_.count() > kMaxBehindSeconds) {
        throw Failure(
            fmt::format("the router does not keep up: a subscriber is {} events behind", published_ - receiver.last()));
      }
    }
    network_.io.after(due(published_ + 1) - now, [this] { publish_due(); });
  }

  Network& network_;
  Clients& clients_;
  TestPayload payload_;
  const std::string topic_;
  std::vector<EventReceiver> receivers_;  // of client 1 + i
  const std::chrono::duration<double> interval_;
  Clock::time_point start_;
  std::size_t ready_ = 0;
  std::uint64_t published_ = 0;
  std::uint64_t first_measured_ = 0;
  Counters counters_;
  Histogram times_, late_;
  bool running_ = false;
};

}  // namespace

std::unique_ptr<Scenario> make_latency(Network& network, Clients& clients) {
  return std::make_unique<Latency>(network, clients);
}

}  // namespace crosspoint::bench
