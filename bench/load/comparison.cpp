#include "load/comparison.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "load/failure.hpp"
#include "load/measure.hpp"

namespace crosspoint::bench {
namespace {

using Json = nlohmann::ordered_json;

struct Figure {
  const char* key;
  const char* label;
  const char* unit;
};

/// What routers are compared by: of all that the scenarios report, the figures that the router has a hand in.
constexpr std::array<Figure, 14> kFigures{{
    {"server_cpu_us_per_event", "CPU time per event", "us"},
    {"server_cpu_us_per_call", "CPU time per call", "us"},
    {"server_cpu_us_per_session", "CPU time per session", "us"},
    {"server_cpu_us_per_operation", "CPU time per operation", "us"},
    {"events_per_s", "events per second", "/s"},
    {"calls_per_s", "calls per second", "/s"},
    {"sessions_per_s", "sessions per second", "/s"},
    {"operations_per_s", "operations per second", "/s"},
    {"latency_us.p50", "latency, half of the events", "us"},
    {"latency_us.p99", "latency, 99 % of the events", "us"},
    {"latency_us.p99.9", "latency, 99.9 % of the events", "us"},
    {"round_trip_us.p50", "round trip, half of the calls", "us"},
    {"round_trip_us.p99", "round trip, 99 % of the calls", "us"},
    {"server_rss_kib_per_session", "memory per session", "KiB"},
}};

/// The value at "key" or at "object.key" of a scenario's report; null if it has none.
Json value_at(const Json& report, std::string_view key) {
  const auto dot = key.find('.');
  const std::string first(key.substr(0, dot));
  if (!report.contains(first)) return nullptr;
  if (dot == std::string_view::npos) return report[first];
  return report[first].value(std::string(key.substr(dot + 1)), Json());
}

Spread spread_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  const double median = values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
  return {median, values.front(), values.back()};
}

/// Three digits that count, as in "0.123" and "12,300" without the comma.
std::string brief(double value) {
  if (value >= 1000) return fmt::format("{:.0f}", value);
  return fmt::format("{:.{}f}", value, value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 3);
}

}  // namespace

Comparison::Comparison(const Options& options)
    : names_{options.name, options.against_name}, urls_{options.url, options.against_url}, rounds_(options.rounds) {
  for (const std::string& scenario : options.scenarios) compare(options, scenario);
}

void Comparison::compare(const Options& options, const std::string& scenario) {
  std::array<Options, 2> runs{options, options};
  for (Options& run : runs) {
    run.scenario = scenario;
    run.quiet = true;
    if (scenario == "latency" && !options.subscribers_given) run.subscribers = 1;
  }
  runs[1].url = options.against_url;
  runs[1].target = options.against;
  runs[1].pids = options.against_pids;

  std::array<std::vector<Json>, 2> reports;
  for (std::size_t round = 0; round < rounds_; ++round) {
    for (const std::size_t turn : {round % 2, 1 - round % 2}) {
      if (!options.quiet) {
        std::fprintf(stderr, "%s: round %zu of %zu at %s\n", scenario.c_str(), round + 1, rounds_,
                     names_[turn].c_str());
      }
      try {
        reports[turn].push_back(measure(runs[turn]).document());
      } catch (const Failure& failure) {
        throw Failure(fmt::format("{} at {}: {}", scenario, names_[turn], failure.what()));
      }
    }
  }
  for (const Figure& figure : kFigures) {
    ComparedFigure compared{scenario, figure.key, figure.label, figure.unit, {}};
    for (std::size_t i = 0; i < reports.size(); ++i) {
      std::vector<double> values;
      for (const Json& report : reports[i]) {
        if (const Json value = value_at(report, figure.key); value.is_number()) values.push_back(value.get<double>());
      }
      if (values.size() == rounds_) compared.routers[i] = spread_of(std::move(values));
    }
    const bool is_there =
        value_at(reports[0].front(), figure.key).is_number() && value_at(reports[1].front(), figure.key).is_number();
    if (is_there) figures_.push_back(std::move(compared));
  }
}

std::string Comparison::table() const {
  std::vector<std::array<std::string, 4>> rows{{"", names_[0], names_[1], names_[0] + " / " + names_[1]}};
  for (const ComparedFigure& figure : figures_) {
    std::array<std::string, 4> row{fmt::format("{}: {}, {}", figure.scenario, figure.label, figure.unit)};
    for (std::size_t i = 0; i < figure.routers.size(); ++i) {
      const Spread& spread = figure.routers[i];
      row[1 + i] = fmt::format("{} ({} to {})", brief(spread.median), brief(spread.least), brief(spread.most));
    }
    row[3] = fmt::format("{:.2f}", figure.ratio());
    rows.push_back(std::move(row));
  }
  std::array<std::size_t, 4> widths{};
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string out;
  for (const auto& row : rows) {
    out += fmt::format("{:<{}}  {:>{}}  {:>{}}  {:>{}}\n", row[0], widths[0], row[1], widths[1], row[2], widths[2],
                       row[3], widths[3]);
  }
  return out + fmt::format("Medians of {} rounds each, and the least and the most of them.\n", rounds_);
}

std::string Comparison::json() const {
  Json document;
  document["rounds"] = rounds_;
  for (std::size_t i = 0; i < names_.size(); ++i)
    document["routers"].push_back({{"name", names_[i]}, {"url", urls_[i]}});
  document["figures"] = Json::array();
  for (const ComparedFigure& figure : figures_) {
    Json item{{"scenario", figure.scenario}, {"figure", figure.key}, {"unit", figure.unit}};
    for (const Spread& spread : figure.routers) {
      item["routers"].push_back({{"median", spread.median}, {"least", spread.least}, {"most", spread.most}});
    }
    item["ratio"] = figure.ratio();
    document["figures"].push_back(std::move(item));
  }
  return document.dump(2) + "\n";
}

}  // namespace crosspoint::bench
