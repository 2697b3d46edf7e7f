#pragma once

#include <chrono>

#include "load/scenario.hpp"

namespace crosspoint::bench {

/// Takes a scenario through its phases: opens the sessions, warms up, measures, waits for what is under way, closes.
/// Says once a second on standard error how it goes, and gives up when nothing goes any more.
class Runner final : public ClientEvents {
 public:
  Runner(Network& network, Clients& clients, Scenario& scenario);

  /// Throws Failure if anything goes wrong.
  Measured run();

  void on_joined(Client& client) override;
  void on_message(Client& client, const wamp::Message& message) override { scenario_.on_message(client, message); }
  void on_text(Client& client, std::string_view text) override { scenario_.on_text(client, text); }
  void on_left(Client& client) override;

 private:
  enum class Phase { opening, warming_up, measuring, draining, closing };

  void open_more();
  void enter(Phase phase);
  void measure();
  void measured();
  /// Several times a second: moves on from phases that end by what happens, not by time.
  void poll();
  void progress(std::chrono::steady_clock::time_point now);
  void watch(std::chrono::steady_clock::time_point now);
  void after(double seconds, void (Runner::*what)());

  Network& network_;
  Clients& clients_;
  Scenario& scenario_;
  Phase phase_ = Phase::opening;
  std::size_t opened_ = 0;
  std::size_t joined_ = 0;
  std::size_t left_ = 0;
  Measured measured_;
  Counters counters_at_start_;
  double own_cpu_at_start_ = 0;

  std::chrono::steady_clock::time_point started_, measuring_since_, last_progress_, last_change_;
  std::uint64_t shown_ = 0;  // Counters::done of the last progress line
  std::uint64_t seen_ = 0;   // what watch() saw last
};

}  // namespace crosspoint::bench
