#include <fmt/core.h>

#include "load/failure.hpp"
#include "load/scenario.hpp"

namespace crosspoint::bench {
namespace {

/// Sessions that join and do nothing: how much memory the router needs for each, and how much CPU time for all.
class Idle final : public Scenario {
 public:
  explicit Idle(Network& network) : sessions_(network.options().sessions) {}

  std::size_t sessions() const override { return sessions_; }
  std::size_t ready() const override { return ready_; }
  void begin() override {}
  void finish() override {}
  bool drained() const override { return true; }
  std::string outstanding() const override { return "no messages"; }
  Counters counters() const override { return {}; }
  std::string_view unit() const override { return "messages"; }

  void report(const Measured& measured, Report& report) const override {
    const auto before = static_cast<double>(measured.before_sessions.resident_bytes);
    const auto after = static_cast<double>(measured.end.resident_bytes);
    report.count("sessions", "sessions", sessions_, "sessions");
    report.figure("server_rss_before_kib", "router's memory before", before / 1024, "KiB", 0);
    report.figure("server_rss_kib_per_session", "memory per session",
                  (after - before) / 1024 / static_cast<double>(sessions_), "KiB", 2);
    report.figure("server_cpu_ms_per_s", "router's CPU time while idle",
                  measured.server_cpu_seconds() * 1000 / measured.seconds, "ms/s", 2);
  }

  void on_joined(Client&) override { ++ready_; }
  void on_message(Client&, const wamp::Message& message) override {
    throw Failure(fmt::format("an idle session receives {}", to_string(type_of(message))));
  }

 private:
  const std::size_t sessions_;
  std::size_t ready_ = 0;
};

}  // namespace

std::unique_ptr<Scenario> make_idle(Network& network, Clients&) { return std::make_unique<Idle>(network); }

}  // namespace crosspoint::bench
