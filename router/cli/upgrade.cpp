#include <fmt/core.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>

#include "cli/commands.hpp"
#include "settings/load.hpp"

namespace crosspoint::cli {
namespace {

int upgrade(const std::string& cbdir, const std::string& config) {
  const std::string directory = settings::find_node_directory(cbdir, settings::process_environment());
  const std::string file = settings::find_config_file(directory, config);
  std::ifstream in(file, std::ios::binary);
  if (file.empty() || !in || !file.ends_with(".json")) {
    complain(fmt::format("{}: no JSON configuration to upgrade", file.empty() ? directory : file));
    return kFailed;
  }
  std::ostringstream text;
  text << in.rdbuf();
  std::string problem;
  const auto upgraded = settings::upgrade_json(text.str(), problem);
  if (!upgraded) {
    complain(file + ": " + problem);
    return kFailed;
  }
  if (*upgraded == text.str()) {
    fmt::print("Configuration already is at latest version 2 - nothing to upgrade\n");
    return kOk;
  }
  const std::string aside = file + ".new";
  std::ofstream out(aside, std::ios::binary | std::ios::trunc);
  out << *upgraded;
  out.close();
  std::error_code error;
  if (out) std::filesystem::rename(aside, file, error);
  if (!out || error) {
    complain(file + ": cannot be written");
    return kFailed;
  }
  fmt::print("Configuration upgraded to version 2: {}\n", file);
  return kOk;
}

}  // namespace

void add_upgrade(CLI::App& app, Invocation& invocation) {
  struct Options {
    std::string cbdir;
    std::string config;
  };
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("upgrade", "convert a version 1 configuration to version 2, in place");
  add_node_directory(*command, options->cbdir);
  command->add_option("--config", options->config, "configuration file, relative to the node directory");
  command->callback(
      [&invocation, options] { invocation.run = [options] { return upgrade(options->cbdir, options->config); }; });
}

}  // namespace crosspoint::cli
