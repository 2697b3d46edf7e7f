#include <fmt/core.h>

#include <memory>

#include "cli/commands.hpp"
#include "node/pid_file.hpp"
#include "settings/load.hpp"

namespace crosspoint::cli {

void add_status(CLI::App& app, Invocation& invocation) {
  struct Options {
    std::string cbdir;
    std::string expected;
  };
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("status", "say whether a node runs in a node directory");
  add_node_directory(*command, options->cbdir);
  command->add_option("--assert", options->expected, "fail unless this is the status")
      ->check(CLI::IsMember({"running", "stopped"}));
  command->callback([&invocation, options] {
    invocation.run = [options] {
      const auto directory = settings::find_node_directory(options->cbdir, settings::process_environment());
      std::string note;
      const bool running = node::PidFile(directory).running(note).has_value();
      fmt::print("Status is {}\n", running ? "RUNNING" : "STOPPED");
      const bool as_expected = options->expected.empty() || (options->expected == "running") == running;
      return as_expected ? kOk : kUnavailable;
    };
  });
}

}  // namespace crosspoint::cli
