/// Node configurations. The input is the text of one.
#include <optional>
#include <string>

#include "fuzz.hpp"
#include "settings/load.hpp"

using namespace crosspoint;
using fuzz::require;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto environment = [](const std::string&) -> std::optional<std::string> { return "1"; };
  const auto report = settings::load_json(text, "config.json", "/nowhere/.crossbar", environment);
  require(report.node.has_value() == report.errors.empty(), "a configuration is loaded, or it is said why not");
  for (const auto* problems : {&report.errors, &report.warnings, &report.unsupported}) {
    for (const auto& problem : *problems) require(!problem.text().empty(), "a problem has a text");
  }
  std::string problem;
  if (!settings::upgrade_json(text, problem)) require(!problem.empty(), "it is said why there is no upgrade");
  return 0;
}
