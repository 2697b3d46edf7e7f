#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "load/histogram.hpp"

namespace crosspoint::bench {

/// The figures of a run in the order in which they are shown: as a table for people or as one JSON document.
class Report {
 public:
  /// `key` is the name in JSON, `label` and `unit` stand in the table.
  void count(const std::string& key, const std::string& label, std::uint64_t value, const std::string& unit = "");
  void figure(const std::string& key, const std::string& label, double value, const std::string& unit, int decimals);
  void text(const std::string& key, const std::string& label, const std::string& value);
  /// A JSON object under `key`, a line per quantile in the table.
  void latency(const std::string& key, const std::string& label, const Histogram& histogram);

  std::string table() const;
  std::string json() const { return document_.dump(2) + "\n"; }
  const nlohmann::ordered_json& document() const { return document_; }

 private:
  struct Row {
    std::string label, value, unit;
  };
  void row(const std::string& label, double value, const std::string& unit, int decimals);

  std::vector<Row> rows_;
  nlohmann::ordered_json document_ = nlohmann::ordered_json::object();
};

}  // namespace crosspoint::bench
