#include "load/measure.hpp"

#include <array>

#include "load/failure.hpp"
#include "load/runner.hpp"

namespace crosspoint::bench {
namespace {

struct Entry {
  std::string_view name;
  std::unique_ptr<Scenario> (*make)(Network&, Clients&);
  const char* key;   ///< in JSON: the router's CPU time per ...
  const char* unit;  ///< ... and in the table; nullptr where nothing is counted
};

constexpr std::array<Entry, 8> kScenarios{{
    {"fanout", make_fanout, "server_cpu_us_per_event", "us per event"},
    {"pairs", make_pairs, "server_cpu_us_per_event", "us per event"},
    {"rpc", make_rpc, "server_cpu_us_per_call", "us per call"},
    {"latency", make_latency, "server_cpu_us_per_event", "us per event"},
    {"connections", make_connections, "server_cpu_us_per_session", "us per session"},
    {"gateway", make_gateway, "server_cpu_us_per_message", "us per message"},
    {"churn", make_churn, "server_cpu_us_per_operation", "us per operation"},
    {"idle", make_idle, nullptr, nullptr},
}};

/// What all scenarios report: who, what, and the cost on both sides.
void report_common(const Options& options, Report& report) {
  report.text("scenario", "scenario", options.scenario);
  report.text("url", "router", options.url);
  report.text("serializer", "serializer", options.serializer);
  report.count("payload", "payload", options.payload, "bytes");
}

void report_cost(const Entry& entry, const Options& options, const Measured& measured, Report& report) {
  report.figure("seconds", "measured for", measured.seconds, "s", 3);
  report.figure("client_cpu_percent", "this client's CPU", 100 * measured.client_cpu_seconds / measured.seconds, "%",
                1);
  if (options.pids.empty()) return;
  const double cpu = measured.server_cpu_seconds();
  report.figure("server_cpu_percent", "router's CPU", 100 * cpu / measured.seconds, "%", 1);
  if (entry.key != nullptr && measured.counters.done > 0) {
    report.figure(entry.key, "router's CPU time", cpu * 1e6 / static_cast<double>(measured.counters.done), entry.unit,
                  3);
  }
  report.figure("server_rss_kib", "router's memory", static_cast<double>(measured.end.resident_bytes) / 1024, "KiB", 0);
}

const Entry& entry_of(const std::string& name) {
  for (const Entry& entry : kScenarios) {
    if (entry.name == name) return entry;
  }
  throw UsageError("there is no scenario " + name);
}

}  // namespace

Report measure(const Options& options) {
  const Entry& entry = entry_of(options.scenario);
  raise_descriptor_limit();
  Network network(options);
  Clients clients;
  const auto scenario = entry.make(network, clients);
  const Measured measured = Runner(network, clients, *scenario).run();
  Report report;
  report_common(options, report);
  scenario->report(measured, report);
  report_cost(entry, options, measured, report);
  return report;
}

}  // namespace crosspoint::bench
