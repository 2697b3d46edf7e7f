#include <fmt/core.h>

#include <algorithm>

#include "load/scenario.hpp"

namespace crosspoint::bench {
namespace {

using Clock = std::chrono::steady_clock;

/// A fixed number of clients, each of which connects, joins, leaves, closes and begins again. They are not among the
/// runner's clients, which stay for the whole run.
class Connections final : public Scenario {
 public:
  explicit Connections(Network& network) : network_(network), since_(network.options().concurrency) {}

  std::size_t sessions() const override { return 0; }
  std::size_t ready() const override { return 0; }
  void begin() override {
    running_ = true;
    for (std::size_t i = 0; i < since_.size(); ++i) {
      clients_.push_back(std::make_unique<Client>(network_, i, *this));
      open(*clients_.back());
    }
  }
  void measure() override { times_.clear(); }
  void finish() override {
    running_ = false;
    measured_times_ = times_;
  }
  bool drained() const override { return left_ == counters_.sent; }
  std::string outstanding() const override { return fmt::format("{} sessions", counters_.sent - left_); }
  Counters counters() const override { return counters_; }
  std::string_view unit() const override { return "sessions"; }

  void report(const Measured& measured, Report& report) const override {
    report.count("concurrency", "concurrency", since_.size(), "sessions");
    report.count("joined", "joined", measured.counters.done, "sessions");
    report.figure("sessions_per_s", "joined per second", measured.per_second(measured.counters.done), "/s", 0);
    report.latency("join_us", "connect to WELCOME", measured_times_);
  }

  void on_joined(Client& client) override {
    ++counters_.done;
    times_.record(Clock::now() - since_[client.index()]);
    client.leave();
  }
  void on_message(Client&, const wamp::Message&) override {}
  void on_left(Client& client) override {
    ++left_;
    if (running_) open(client);
  }

 private:
  void open(Client& client) {
    ++counters_.sent;
    since_[client.index()] = Clock::now();
    client.connect();
  }

  Network& network_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::vector<Clock::time_point> since_;  // when a client began to connect
  std::uint64_t left_ = 0;
  Counters counters_;
  Histogram times_, measured_times_;
  bool running_ = false;
};

}  // namespace

std::unique_ptr<Scenario> make_connections(Network& network, Clients&) {
  return std::make_unique<Connections>(network);
}

}  // namespace crosspoint::bench
