#include "settings/load.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "settings/object_reader.hpp"

namespace crosspoint::settings {
namespace {

namespace fs = std::filesystem;

/// A configuration that is longer, or nests deeper, is a mistake.
constexpr std::uintmax_t kMaxFile = 16 * 1024 * 1024;
constexpr int kMaxNesting = 64;

/// JSON text as a document; refuses deep nesting before it becomes deep recursion.
Json parse_json(const std::string& text) {
  const auto watch = [](int depth, Json::parse_event_t, Json&) {
    if (depth > kMaxNesting) throw std::runtime_error("nested more than 64 levels deep");
    return true;
  };
  return Json::parse(text, watch);
}

Report load_text(const std::string& text, bool yaml, const std::string& file, const std::string& node_directory,
                 const Environment& environment) {
  Report report;
  LoadContext context{file, node_directory, environment, report, {}};
  try {
    Node node = load_node(context, yaml ? parse_yaml(text) : parse_json(text));
    if (report.errors.empty()) report.node = std::move(node);
  } catch (const Json::parse_error& error) {
    // "[json.exception.parse_error.101] parse error at line 3, column 5: ...": the part that helps
    std::string what = error.what();
    const auto at = what.find("at line");
    context.error("", "not valid JSON: " + (at == std::string::npos ? what : what.substr(at)));
  } catch (const std::exception& error) {
    context.error("", std::string("cannot be read: ") + error.what());
  }
  return report;
}

}  // namespace

Environment process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
  };
}

std::string find_node_directory(const std::string& given, const Environment& environment) {
  std::error_code error;
  fs::path path = given;
  if (path.empty()) path = environment("CROSSBAR_DIR").value_or("");
  if (path.empty()) path = fs::is_directory(".crossbar", error) ? ".crossbar" : ".";
  path = fs::absolute(path, error).lexically_normal();
  if (fs::is_regular_file(path, error)) path = path.parent_path();
  std::string text = path.string();
  while (text.size() > 1 && text.back() == '/') text.pop_back();
  return text;
}

std::string find_config_file(const std::string& node_directory, const std::string& given) {
  const fs::path directory(node_directory);
  if (!given.empty()) return (directory / given).lexically_normal().string();
  std::error_code error;
  for (const char* name : {"config.yaml", "config.json"}) {
    if (fs::is_regular_file(directory / name, error)) return (directory / name).string();
  }
  return {};
}

Report load_file(const std::string& file, const std::string& node_directory, const Environment& environment) {
  if (file.empty()) return load_json(R"({"version": 2})", "(no configuration file)", node_directory, environment);
  Report report;
  LoadContext context{file, node_directory, environment, report, {}};
  const std::string extension = fs::path(file).extension().string();
  if (extension != ".json" && extension != ".yaml") {
    context.error("", "invalid configuration file extension \"" + extension + "\"", ".json, .yaml");
    return report;
  }
  std::error_code error;
  const auto size = fs::file_size(file, error);
  if (error) {
    context.error("", "cannot be read: " + error.message());
    return report;
  }
  if (size > kMaxFile) {
    context.error("", "too large for a configuration", "16 MiB");
    return report;
  }
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  if (!stream) {
    context.error("", "cannot be read");
    return report;
  }
  return load_text(text.str(), extension == ".yaml", file, node_directory, environment);
}

Report load_json(const std::string& text, const std::string& file, const std::string& node_directory,
                 const Environment& environment) {
  return load_text(text, false, file, node_directory, environment);
}

}  // namespace crosspoint::settings
