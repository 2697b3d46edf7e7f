#include <fmt/core.h>

#include <bit>

#include "load/event_receiver.hpp"
#include "load/failure.hpp"
#include "load/scenario.hpp"

namespace crosspoint::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kUsualWindow = 32;

/// Callees return their arguments; callers go round the procedures and keep a window of calls under way. A call's
/// request id is also the number in its arguments, so that a result that belongs to another call is noticed; callees
/// check that the calls of one caller come in order, as WAMP promises.
class Rpc final : public Scenario {
 public:
  Rpc(Network& network, Clients& clients)
      : clients_(clients),
        window_(window_of(network.options(), kUsualWindow)),
        payload_(network.options().encoding, network.options().payload),
        callers_(network.options().callers),
        callees_(network.options().callees) {
    const UriMaker uri(network.random);
    for (std::size_t i = 0; i < callees_.size(); ++i) {
      callees_[i].procedure = uri("procedure", i);
      callees_[i].last.resize(callers_.size());
    }
    for (Caller& caller : callers_) caller.started.resize(std::bit_ceil(4 * window_));
  }

  std::size_t sessions() const override { return callees_.size() + callers_.size(); }
  std::size_t ready() const override { return ready_; }
  void begin() override {
    running_ = true;
    for (std::size_t i = 0; i < callers_.size(); ++i) call_more(i);
  }
  void measure() override { times_.clear(); }
  void finish() override {
    running_ = false;
    measured_times_ = times_;
  }
  bool drained() const override { return counters_.sent == counters_.done; }
  std::string outstanding() const override { return fmt::format("{} results", counters_.sent - counters_.done); }
  Counters counters() const override { return counters_; }
  std::string_view unit() const override { return "calls"; }

  void report(const Measured& measured, Report& report) const override {
    report.count("callers", "callers", callers_.size(), "sessions");
    report.count("callees", "callees", callees_.size(), "sessions");
    report.count("window", "window per caller", window_, "calls");
    report.count("calls", "answered", measured.counters.done, "calls");
    report.figure("calls_per_s", "answered per second", measured.per_second(measured.counters.done), "/s", 0);
    report.latency("round_trip_us", "round trip", measured_times_);
  }

  void on_joined(Client& client) override {
    if (client.index() >= callees_.size()) {
      ++ready_;
      return;
    }
    wamp::Register message;
    message.request = 1;
    message.procedure = callees_[client.index()].procedure;
    client.send(std::move(message));
  }

  void on_message(Client& client, const wamp::Message& message) override {
    if (const auto* result = std::get_if<wamp::Result>(&message)) return on_result(client, *result);
    if (const auto* invocation = std::get_if<wamp::Invocation>(&message)) return on_invocation(client, *invocation);
    if (!std::holds_alternative<wamp::Registered>(message)) {
      throw Failure(fmt::format("an unexpected {}", to_string(type_of(message))));
    }
    ++ready_;
  }

 private:
  struct Callee {
    std::string procedure;
    std::vector<std::uint64_t> last;  // by caller: the number of its last call that came here
  };
  struct Caller {
    std::uint64_t last_request = 0;
    std::size_t under_way = 0;
    std::vector<Clock::time_point> started;  // by request modulo the size; the epoch where none is under way
  };

  void call_more(std::size_t index) {
    Caller& caller = callers_[index];
    while (running_ && caller.under_way < window_) {
      auto& started = caller.started[(caller.last_request + 1) & (caller.started.size() - 1)];
      if (started != Clock::time_point()) return;  // one call takes so long that its place is not free yet
      started = Clock::now();
      ++caller.last_request;
      ++caller.under_way;
      ++counters_.sent;
      wamp::Call call;
      call.request = caller.last_request;
      call.procedure = callees_[(index + caller.last_request) % callees_.size()].procedure;
      call.payload = payload_.write({caller.last_request, index});
      clients_[callees_.size() + index]->send(std::move(call));
    }
  }

  void on_invocation(Client& client, const wamp::Invocation& invocation) {
    TestPayload::Content content;
    if (client.index() >= callees_.size()) throw Failure("a caller receives INVOCATION");
    if (!payload_.read(invocation.payload, content) || content.source >= callers_.size()) {
      throw Failure("damaged: the arguments of an invocation");
    }
    std::uint64_t& last = callees_[client.index()].last[content.source];
    if (content.number <= last) {
      throw Failure(
          fmt::format("repeated or out of order: call {} of caller {} after {}", content.number, content.source, last));
    }
    last = content.number;
    wamp::Yield yield;
    yield.request = invocation.request;
    yield.payload = payload_.write(content);
    client.send(std::move(yield));
  }

  void on_result(Client& client, const wamp::Result& result) {
    if (client.index() < callees_.size()) throw Failure("a callee receives RESULT");
    const std::size_t index = client.index() - callees_.size();
    Caller& caller = callers_[index];
    auto& started = caller.started[result.request & (caller.started.size() - 1)];
    if (started == Clock::time_point() || result.request > caller.last_request) {
      throw Failure(fmt::format("repeated: the result of call {} of caller {}", result.request, index));
    }
    TestPayload::Content content;
    if (!payload_.read(result.payload, content)) throw Failure("damaged: the arguments of a result");
    if (content.number != result.request || content.source != index) {
      throw Failure(
          fmt::format("wrong result: call {} of caller {} is answered with the result of call {} of caller {}",
                      result.request, index, content.number, content.source));
    }
    times_.record(Clock::now() - started);
    started = Clock::time_point();
    --caller.under_way;
    ++counters_.done;
    call_more(index);
  }

  Clients& clients_;
  const std::size_t window_;
  TestPayload payload_;
  std::vector<Caller> callers_;  // of client callees_.size() + i
  std::vector<Callee> callees_;  // of client i
  std::size_t ready_ = 0;
  Counters counters_;
  Histogram times_, measured_times_;
  bool running_ = false;
};

}  // namespace

std::unique_ptr<Scenario> make_rpc(Network& network, Clients& clients) {
  return std::make_unique<Rpc>(network, clients);
}

}  // namespace crosspoint::bench
