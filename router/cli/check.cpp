#include <fmt/core.h>

#include <memory>

#include "cli/commands.hpp"
#include "settings/load.hpp"

namespace crosspoint::cli {
namespace {

int check(const std::string& cbdir, const std::string& config) {
  const auto environment = settings::process_environment();
  const std::string directory = settings::find_node_directory(cbdir, environment);
  const std::string file = settings::find_config_file(directory, config);
  if (file.empty()) {
    fmt::print("Error: no configuration file in {}\n", directory);
    return kFailed;
  }
  fmt::print("Checking local node configuration file: {}\n", file);
  const auto report = settings::load_file(file, directory, environment);
  for (const auto& problem : report.warnings) fmt::print("Warning: {}\n", problem.text());
  for (const auto& problem : report.unsupported) fmt::print("Warning: not available here: {}\n", problem.text());
  for (const auto& problem : report.errors) fmt::print("Error: {}\n", problem.text());
  if (!report.errors.empty()) return kFailed;
  fmt::print("Ok, node configuration looks good!\n");
  return kOk;
}

}  // namespace

void add_check(CLI::App& app, Invocation& invocation) {
  struct Options {
    std::string cbdir;
    std::string config;
  };
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("check", "check a node's configuration without starting it");
  add_node_directory(*command, options->cbdir);
  command->add_option("--config", options->config, "configuration file, relative to the node directory");
  command->callback(
      [&invocation, options] { invocation.run = [options] { return check(options->cbdir, options->config); }; });
}

}  // namespace crosspoint::cli
