#include "load/report.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

namespace crosspoint::bench {
namespace {

/// 1234567.8 as "1,234,567.8".
std::string grouped(double value, int decimals) {
  std::string text = fmt::format("{:.{}f}", value, decimals);
  const auto digits = text.starts_with('-') ? 1U : 0U;
  for (auto at = std::min(text.find('.'), text.size()); at > digits + 3;) text.insert(at -= 3, ",");
  return text;
}

double rounded(double value, int decimals) {
  const double factor = std::pow(10, decimals);
  return std::round(value * factor) / factor;
}

}  // namespace

void Report::row(const std::string& label, double value, const std::string& unit, int decimals) {
  rows_.push_back({label, grouped(value, decimals), unit});
}

void Report::count(const std::string& key, const std::string& label, std::uint64_t value, const std::string& unit) {
  document_[key] = value;
  row(label, static_cast<double>(value), unit, 0);
}

void Report::figure(const std::string& key, const std::string& label, double value, const std::string& unit,
                    int decimals) {
  document_[key] = rounded(value, decimals);
  row(label, value, unit, decimals);
}

void Report::text(const std::string& key, const std::string& label, const std::string& value) {
  document_[key] = value;
  rows_.push_back({label, value, ""});
}

void Report::latency(const std::string& key, const std::string& label, const Histogram& histogram) {
  auto& object = document_[key] = nlohmann::ordered_json::object();
  const auto add = [&](const char* name, double microseconds) {
    object[name] = rounded(microseconds, 1);
    row(label + " " + name, microseconds, "us", 1);
  };
  add("p50", histogram.quantile_us(0.5));
  add("p90", histogram.quantile_us(0.9));
  add("p99", histogram.quantile_us(0.99));
  add("p99.9", histogram.quantile_us(0.999));
  add("max", histogram.max_us());
}

std::string Report::table() const {
  std::size_t label_width = 0;
  std::size_t value_width = 0;
  for (const Row& row : rows_) {
    label_width = std::max(label_width, row.label.size());
    if (!row.unit.empty()) value_width = std::max(value_width, row.value.size());
  }
  std::string out;
  for (const Row& row : rows_) {
    const bool number = !row.unit.empty();
    out += fmt::format("{:<{}}  {:>{}}{}{}\n", row.label, label_width, row.value, number ? value_width : 0,
                       number ? " " : "", row.unit);
  }
  return out;
}

}  // namespace crosspoint::bench
