#include <fmt/core.h>

#include <unordered_map>

#include "load/event_receiver.hpp"
#include "load/failure.hpp"
#include "load/scenario.hpp"

namespace crosspoint::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kUsualWindow = 4;

/// Sessions that subscribe to one topic after the other and unsubscribe again, all of them to the same topics. An
/// operation is a SUBSCRIBE or an UNSUBSCRIBE that has been answered.
class Churn final : public Scenario {
 public:
  Churn(Network& network, Clients& clients)
      : clients_(clients),
        window_(network.options().window > 0 ? network.options().window : kUsualWindow),
        members_(network.options().sessions) {
    const UriMaker uri(network.random);
    for (std::size_t i = 0; i < network.options().topics; ++i) topics_.push_back(uri("topic", i));
    // Two of a session's subscriptions at a time must not be the same.
    if (window_ > topics_.size()) throw UsageError("churn: --window must not be larger than --topics");
  }

  std::size_t sessions() const override { return members_.size(); }
  std::size_t ready() const override { return ready_; }
  void begin() override {
    running_ = true;
    for (std::size_t i = 0; i < members_.size(); ++i) {
      members_[i].topic = i * topics_.size() / members_.size();  // spread over all topics
      for (std::size_t k = 0; k < window_; ++k) subscribe(*clients_[i]);
    }
  }
  void measure() override { times_.clear(); }
  void finish() override {
    running_ = false;
    measured_times_ = times_;
  }
  bool drained() const override { return counters_.sent == counters_.done; }
  std::string outstanding() const override { return fmt::format("{} answers", counters_.sent - counters_.done); }
  Counters counters() const override { return counters_; }
  std::string_view unit() const override { return "operations"; }

  void report(const Measured& measured, Report& report) const override {
    report.count("sessions", "sessions", members_.size(), "sessions");
    report.count("topics", "topics", topics_.size(), "topics");
    report.count("window", "window per session", window_, "operations");
    report.count("operations", "answered", measured.counters.done, "operations");
    report.figure("operations_per_s", "answered per second", measured.per_second(measured.counters.done), "/s", 0);
    report.latency("answer_us", "answered after", measured_times_);
  }

  void on_joined(Client&) override { ++ready_; }
  void on_message(Client& client, const wamp::Message& message) override {
    if (const auto* subscribed = std::get_if<wamp::Subscribed>(&message)) {
      answered(client, subscribed->request);
      wamp::Unsubscribe unsubscribe;
      unsubscribe.request = next_request(client);
      unsubscribe.subscription = subscribed->subscription;
      client.send(std::move(unsubscribe));
    } else if (const auto* unsubscribed = std::get_if<wamp::Unsubscribed>(&message)) {
      answered(client, unsubscribed->request);
      if (running_) subscribe(client);
    } else {
      throw Failure(fmt::format("an unexpected {}", to_string(type_of(message))));
    }
  }

 private:
  struct Member {
    std::uint64_t last_request = 0;
    std::size_t topic = 0;                                         // the next one
    std::unordered_map<std::uint64_t, Clock::time_point> started;  // by request
  };

  std::uint64_t next_request(Client& client) {
    Member& member = members_[client.index()];
    ++counters_.sent;
    member.started.emplace(++member.last_request, Clock::now());
    return member.last_request;
  }

  void answered(Client& client, std::uint64_t request) {
    const auto under_way = members_[client.index()].started.extract(request);
    if (under_way.empty()) {
      throw Failure(
          fmt::format("an answer to request {} of session {}, which is not under way", request, client.index()));
    }
    times_.record(Clock::now() - under_way.mapped());
    ++counters_.done;
  }

  void subscribe(Client& client) {
    Member& member = members_[client.index()];
    wamp::Subscribe message;
    message.request = next_request(client);
    message.topic = topics_[member.topic];
    member.topic = (member.topic + 1) % topics_.size();
    client.send(std::move(message));
  }

  Clients& clients_;
  const std::size_t window_;
  std::vector<std::string> topics_;
  std::vector<Member> members_;  // of client i
  std::size_t ready_ = 0;
  Counters counters_;
  Histogram times_, measured_times_;
  bool running_ = false;
};

}  // namespace

std::unique_ptr<Scenario> make_churn(Network& network, Clients& clients) {
  return std::make_unique<Churn>(network, clients);
}

}  // namespace crosspoint::bench
