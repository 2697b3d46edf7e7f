#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "load/event_receiver.hpp"
#include "load/failure.hpp"
#include "load/scenario.hpp"
#include "serializers/value.hpp"

namespace crosspoint::bench {
namespace {

using Clock = std::chrono::steady_clock;
using nlohmann::json;

/// Connections that do not speak WAMP, through a route of Crosspoint's gateway, and a session that is their worker: it
/// returns each message, and the connection that gets it back checks it and sends the next one.
class Gateway final : public Scenario {
 public:
  Gateway(Network& network, Clients& clients)
      : network_(network),
        clients_(clients),
        connections_(network.options().connections),
        target_(network.options().target),
        filler_(network.options().payload, 'x') {
    target_.path = network.options().gateway;
  }

  std::size_t sessions() const override { return 1 + connections_.size(); }
  const Target* plain_target(std::size_t client) const override { return client > 0 ? &target_ : nullptr; }
  std::size_t ready() const override { return ready_; }
  void begin() override {
    running_ = true;
    for (std::size_t i = 0; i < connections_.size(); ++i) send_next(i);
  }
  void measure() override { times_.clear(); }
  void finish() override {
    running_ = false;
    measured_times_ = times_;
  }
  bool drained() const override { return counters_.sent == counters_.done; }
  std::string outstanding() const override { return fmt::format("{} answers", counters_.sent - counters_.done); }
  Counters counters() const override { return counters_; }
  std::string_view unit() const override { return "messages"; }

  void report(const Measured& measured, Report& report) const override {
    report.count("connections", "connections", connections_.size(), "connections");
    report.count("messages", "answered", measured.counters.done, "messages");
    report.figure("messages_per_s", "answered per second", measured.per_second(measured.counters.done), "/s", 0);
    report.latency("round_trip_us", "round trip", measured_times_);
  }

  void on_joined(Client& client) override {
    if (client.index() > 0) {
      ++ready_;
      return;
    }
    wamp::Register message;
    message.request = 1;
    message.procedure = network_.options().procedure;
    client.send(message);
  }

  void on_message(Client& client, const wamp::Message& message) override {
    if (std::holds_alternative<wamp::Registered>(message)) {
      ++ready_;
      return;
    }
    const auto* invocation = std::get_if<wamp::Invocation>(&message);
    if (invocation == nullptr) throw Failure(fmt::format("an unexpected {}", to_string(type_of(message))));
    json arguments, keywords;
    if (!serializers::to_values(invocation->payload, arguments, keywords) || arguments.size() != 2) {
      throw Failure("damaged: the arguments of an invocation");
    }
    std::string bytes;
    serializers::append_value(network_.options().encoding, json::array({arguments[1]}), bytes);
    wamp::Yield yield;
    yield.request = invocation->request;
    yield.payload = {network_.options().encoding, 1, base::as_bytes(bytes), {}};
    client.send(yield);
  }

  void on_text(Client& client, std::string_view text) override {
    const std::size_t index = client.index() - 1;
    Connection& connection = connections_[index];
    if (text != this->text(index)) throw Failure("damaged, repeated or misrouted: the answer to a message");
    times_.record(Clock::now() - connection.started);
    ++counters_.done;
    if (running_) send_next(index);
  }

 private:
  struct Connection {
    std::uint64_t last = 0;
    Clock::time_point started;
  };

  std::string text(std::size_t index) const {
    return fmt::format("{} {} {}", index, connections_[index].last, filler_);
  }

  void send_next(std::size_t index) {
    ++connections_[index].last;
    connections_[index].started = Clock::now();
    ++counters_.sent;
    clients_[index + 1]->send_text(text(index));
  }

  Network& network_;
  Clients& clients_;
  std::vector<Connection> connections_;  // of client 1 + i
  Target target_;
  const std::string filler_;
  std::size_t ready_ = 0;
  Counters counters_;
  Histogram times_, measured_times_;
  bool running_ = false;
};

}  // namespace

std::unique_ptr<Scenario> make_gateway(Network& network, Clients& clients) {
  return std::make_unique<Gateway>(network, clients);
}

}  // namespace crosspoint::bench
