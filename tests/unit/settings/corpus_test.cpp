#include <catch2/catch.hpp>

#include <fstream>
#include <nlohmann/json.hpp>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

#include "settings/load.hpp"

// configs/good.json and configs/bad.json are small configurations. The loader and the JSON Schema that editors use must
// agree on each, but for the few things a schema cannot say.

using namespace crosspoint::settings;
using nlohmann::json;

namespace {

const std::string kSource = CROSSPOINT_SOURCE_DIR;

json read(const std::string& path) {
  std::ifstream stream(kSource + "/" + path);
  REQUIRE(stream);
  return json::parse(stream);
}

Environment environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    if (name == "SET") return "value";
    if (name == "PORT") return "8123";
    return std::nullopt;
  };
}

Report load(const json& config) { return load_json(config.dump(), "config.json", "/node/.crossbar", environment()); }

std::string texts(const std::vector<Problem>& problems) {
  std::string text;
  for (const auto& problem : problems) text += problem.text() + "\n";
  return text;
}

class Schema {
 public:
  Schema() {
    const json document = read("config/crossbar.schema.json");
    valijson::SchemaParser parser;
    parser.populateSchema(valijson::adapters::NlohmannJsonAdapter(document), schema_);
  }
  bool accepts(const json& config, std::string& why) {
    valijson::Validator validator;
    valijson::ValidationResults results;
    if (validator.validate(schema_, valijson::adapters::NlohmannJsonAdapter(config), &results)) return true;
    valijson::ValidationResults::Error error;
    while (results.popError(error)) {
      for (const auto& part : error.context) why += part;
      why += ": " + error.description + "\n";
    }
    return false;
  }

 private:
  valijson::Schema schema_;
};

}  // namespace

TEST_CASE("good configurations are accepted by the loader and by the schema") {
  Schema schema;
  for (const json& entry : read("tests/unit/settings/configs/good.json")) {
    const auto report = load(entry["config"]);
    INFO(entry["name"] << "\n" << texts(report.errors) << texts(report.unsupported));
    REQUIRE(report.errors.empty());
    REQUIRE(report.unsupported.empty());
    REQUIRE(report.node.has_value());
    std::string why;
    const bool accepted = schema.accepts(entry["config"], why);
    INFO(why);
    REQUIRE(accepted);
  }
}

TEST_CASE("each mistake is named with its place, and the schema sees it too") {
  Schema schema;
  for (const json& entry : read("tests/unit/settings/configs/bad.json")) {
    const auto report = load(entry["config"]);
    INFO(entry["name"] << "\n" << texts(report.errors));
    REQUIRE_FALSE(report.node.has_value());
    bool found = false;
    for (const auto& error : report.errors) {
      found = found || (error.path == entry["path"] && error.what.find(entry["text"]) != std::string::npos);
    }
    REQUIRE(found);
    REQUIRE(report.errors.size() <= 2);
    std::string why;
    REQUIRE(schema.accepts(entry["config"], why) == entry.value("schema_cannot_say_it", false));
  }
}

TEST_CASE("secrets do not appear in what is said of a configuration") {
  const auto report = load(json::parse(R"({"version":2,"workers":[{"type":"router","transports":[{"type":"websocket",
      "endpoint":{"type":"tcp","port":1},"auth":{"ticket":{"type":"static","principals":{
        "a":"hidden-1","b":{"ticket":["hidden-2"]},"c":{"ticket":{"x":"hidden-3"}},"d":["hidden-4"]}},
      "wampcra":{"type":"static","users":{"e":{"secret":5550123}}}}}]}]})"));
  REQUIRE(report.errors.size() == 5);
  REQUIRE(texts(report.errors).find("hidden") == std::string::npos);
  REQUIRE(texts(report.errors).find("5550123") == std::string::npos);
}

TEST_CASE("all mistakes are reported, not only the first") {
  const auto report = load(json::parse(R"({"version":2,"workers":[{"type":"router","realms":[{"name":"x"}],
      "transports":[{"type":"websocket","endpoint":{"type":"tcp","port":0}}]},{"type":"guest"}]})"));
  REQUIRE(report.errors.size() == 3);
}

TEST_CASE("a problem is one line: file, place, what is wrong, what is allowed") {
  const auto report =
      load(json::parse(R"({"version":2,"workers":[{"type":"router","options":{"io_threads":"many"}}]})"));
  REQUIRE(report.errors.at(0).text() ==
          "config.json: workers[0].options.io_threads: \"many\" cannot be used; allowed: an integer from 1 to 64");
}
