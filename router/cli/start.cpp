#include <fmt/core.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>

#include "base/log.hpp"
#include "cli/commands.hpp"
#include "node/node.hpp"
#include "node/pid_file.hpp"
#include "settings/load.hpp"

namespace crosspoint::cli {
namespace {

struct Options {
  std::string cbdir;
  std::string config;
  std::string color = "auto";
  std::string loglevel = "info";
  std::string logformat = "standard";
  std::string logdir;
  bool logtofile = false;
  bool ignore_unsupported = false;
  int shutdownafter = 0;
};

std::string to_json(const Options& options) {
  nlohmann::ordered_json json;
  json["cbdir"] = options.cbdir;
  json["config"] = options.config.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(options.config);
  json["color"] = options.color;
  json["loglevel"] = options.loglevel;
  json["logformat"] = options.logformat;
  json["logdir"] = options.logdir.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(options.logdir);
  json["logtofile"] = options.logtofile;
  json["shutdownafter"] = options.shutdownafter > 0 ? nlohmann::ordered_json(options.shutdownafter) : nullptr;
  return json.dump();
}

/// Makes one directory level; true if it is there afterwards.
bool make_directory(const std::string& path, const char* what) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return true;
  if (!std::filesystem::create_directory(path, error)) {
    complain(fmt::format("{} {} cannot be created: {}", what, path, error.message()));
    return false;
  }
  fmt::print("Auto-created {} {}\n", what, path);
  return true;
}

void start_log(const Options& options, const std::string& node_directory) {
  log::Options out;
  log::parse_level(options.loglevel, out.level);
  if (options.logformat == "syslogd") out.format = log::Format::syslogd;
  if (options.logformat == "none") out.format = log::Format::none;
  out.color = options.color == "true" || (options.color == "auto" && ::isatty(STDOUT_FILENO) != 0);
  if (options.logtofile) {
    const auto directory = std::filesystem::path(node_directory) / options.logdir;
    out.file = (directory / "node.log").lexically_normal().string();
  }
  log::start(out);
}

/// Loads the configuration and says what is wrong with it. Nothing if it cannot be used.
std::optional<settings::Node> load(const std::string& file, const std::string& node_directory,
                                   bool ignore_unsupported) {
  auto report = settings::load_file(file, node_directory, settings::process_environment());
  for (const auto& problem : report.warnings) log::warn("{}", problem.text());
  if (!report.errors.empty()) complain("Invalid node configuration");
  for (const auto& problem : report.errors) complain(problem.text());
  if (ignore_unsupported) {
    for (const auto& problem : report.unsupported) log::warn("ignored: {}", problem.text());
  } else if (!report.unsupported.empty()) {
    for (const auto& problem : report.unsupported) complain(problem.text());
    complain("the configuration asks for what is not available here (--ignore-unsupported starts without it)");
    return std::nullopt;
  }
  return std::move(report.node);
}

void remove_unsupported(std::vector<settings::WebPath>& paths) {
  std::erase_if(paths, [](const settings::WebPath& path) {
    return std::holds_alternative<settings::UnsupportedService>(path.service);
  });
  for (auto& path : paths) {
    if (auto* nested = std::get_if<settings::PathService>(&path.service)) remove_unsupported(nested->paths);
  }
}

/// Leaves out what is not available, as --ignore-unsupported wants it.
void remove_unsupported(settings::Node& node) {
  std::erase_if(node.workers, [](const settings::Worker& worker) {
    return std::holds_alternative<settings::UnsupportedWorker>(worker.kind);
  });
  for (auto& worker : node.workers) {
    auto* router = std::get_if<settings::RouterWorker>(&worker.kind);
    if (router == nullptr) continue;
    std::erase_if(router->transports, [](const settings::Transport& transport) {
      return std::holds_alternative<settings::UnsupportedTransport>(transport.kind);
    });
    for (auto& transport : router->transports) {
      if (auto* web = std::get_if<settings::Web>(&transport.kind)) remove_unsupported(web->paths);
      auto* universal = std::get_if<settings::Universal>(&transport.kind);
      if (universal != nullptr && universal->web) remove_unsupported(universal->web->paths);
    }
  }
}

int run_node(const Options& options, const std::string& node_directory) {
  const std::string file = settings::find_config_file(node_directory, options.config);
  auto settings = load(file, node_directory, options.ignore_unsupported);
  if (!settings) return kFailed;
  if (options.ignore_unsupported) remove_unsupported(*settings);
  log::write(log::Level::info, "Controller", "Node configuration loaded [config_source={}, config_path={}]",
             file.empty() ? "empty" : "localfile", file);
  node::Node node(std::move(*settings));
  if (const auto problem = node.start()) {
    complain("Could not start node: " + *problem);
    return kFailed;
  }
  node.run(options.shutdownafter > 0 ? std::optional(std::chrono::seconds(options.shutdownafter)) : std::nullopt);
  return kOk;
}

int start(const Options& options, const std::vector<std::string>& argv) {
  const std::string node_directory = settings::find_node_directory(options.cbdir, settings::process_environment());
  if (!make_directory(node_directory, "node directory")) return kFailed;
  const node::PidFile pid_file(node_directory);
  std::string note;
  if (const auto other = pid_file.running(note)) {
    complain(fmt::format("already running from node directory {} (PID {}).", node_directory, other->pid));
    return kFailed;
  }
  if (options.logtofile && !options.logdir.empty()) {
    const auto directory = (std::filesystem::path(node_directory) / options.logdir).lexically_normal();
    if (!make_directory(directory.string(), "log directory")) return kFailed;
  }
  try {
    start_log(options, node_directory);
  } catch (const std::system_error& error) {
    complain(fmt::format("the log file cannot be written: {}", error.what()));
    return kFailed;
  }
  if (!note.empty()) log::write(log::Level::info, "Controller", "{}", note);
  int result = kFailed;
  if (const auto problem = pid_file.write(argv, to_json(options))) {
    complain(*problem);
  } else {
    result = run_node(options, node_directory);
    pid_file.remove();
  }
  log::stop();
  return result;
}

}  // namespace

void add_start(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("start", "start the node in the foreground");
  add_node_directory(*command, options->cbdir);
  command->add_option("--config", options->config, "configuration file, relative to the node directory");
  command->add_option("--color", options->color, "colored log")->check(CLI::IsMember({"true", "false", "auto"}));
  command->add_option("--loglevel", options->loglevel, "least level of lines logged")
      ->check(CLI::IsMember({"none", "error", "warn", "info", "debug", "trace"}));
  command->add_option("--logformat", options->logformat, "form of the lines on the terminal")
      ->check(CLI::IsMember({"syslogd", "standard", "none"}));
  command->add_option("--logdir", options->logdir, "directory of node.log, relative to the node directory");
  command->add_flag("--logtofile", options->logtofile, "log to node.log instead of the terminal");
  command->add_option("--shutdownafter", options->shutdownafter, "stop after so many seconds")
      ->check(CLI::Range(1, 1000000000));
  command->add_flag("--ignore-unsupported", options->ignore_unsupported,
                    "start without the parts of the configuration that are not available here");
  command->callback(
      [&invocation, options] { invocation.run = [&invocation, options] { return start(*options, invocation.argv); }; });
}

}  // namespace crosspoint::cli
