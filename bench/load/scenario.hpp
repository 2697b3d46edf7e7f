#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "load/client.hpp"
#include "load/process_usage.hpp"
#include "load/report.hpp"

namespace crosspoint::bench {

/// What a scenario has done so far.
struct Counters {
  std::uint64_t sent = 0;
  std::uint64_t done = 0;  ///< events received, calls answered, sessions joined
};

/// What was measured between the end of the warm-up and the end of the duration.
struct Measured {
  double seconds = 0;
  Counters counters;
  double client_cpu_seconds = 0;
  Usage before_sessions;  ///< of the router, before the first session was opened
  Usage start, end;       ///< of the router

  double per_second(std::uint64_t count) const { return static_cast<double>(count) / seconds; }
  double server_cpu_seconds() const { return end.cpu_seconds - start.cpu_seconds; }
};

/// One way of loading a router. The runner opens sessions() clients and tells the phases; the scenario hears what the
/// clients receive.
class Scenario : public ClientEvents {
 public:
  virtual std::size_t sessions() const = 0;
  /// What client `index` speaks; nullptr: what the command line says.
  virtual const serializers::Serializer* serializer_of([[maybe_unused]] std::size_t index) const { return nullptr; }
  /// Sessions that have joined and, where they have to, subscribed or registered.
  virtual std::size_t ready() const = 0;
  /// All are ready: the load begins, with the warm-up.
  virtual void begin() = 0;
  /// From now on it counts.
  virtual void measure() {}
  /// It counts no more; start nothing new.
  virtual void finish() = 0;
  /// Nothing is under way.
  virtual bool drained() const = 0;
  /// What is under way, as in "12 events".
  virtual std::string outstanding() const = 0;
  virtual Counters counters() const = 0;
  /// What Counters::done counts: "events".
  virtual std::string_view unit() const = 0;
  /// The scenario's own figures.
  virtual void report(const Measured& measured, Report& report) const = 0;

  /// Where a client connects that does not speak WAMP; nullptr for those that do.
  virtual const Target* plain_target(std::size_t) const { return nullptr; }

  void on_text(Client&, std::string_view) override {}
  void on_left(Client&) override {}
};

/// The clients of a run, by index.
using Clients = std::vector<std::unique_ptr<Client>>;

std::unique_ptr<Scenario> make_fanout(Network& network, Clients& clients);
std::unique_ptr<Scenario> make_pairs(Network& network, Clients& clients);
std::unique_ptr<Scenario> make_rpc(Network& network, Clients& clients);
std::unique_ptr<Scenario> make_latency(Network& network, Clients& clients);
std::unique_ptr<Scenario> make_connections(Network& network, Clients& clients);
std::unique_ptr<Scenario> make_gateway(Network& network, Clients& clients);
std::unique_ptr<Scenario> make_churn(Network& network, Clients& clients);
std::unique_ptr<Scenario> make_idle(Network& network, Clients& clients);

}  // namespace crosspoint::bench
