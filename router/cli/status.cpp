#include <fmt/format.h>

#include <memory>

#include "cli/commands.hpp"
#include "cluster/ask_nodes.hpp"
#include "node/pid_file.hpp"
#include "settings/load.hpp"

namespace crosspoint::cli {
namespace {

/// Says which nodes of the cluster are there, if this one is to be joined to others.
void print_cluster(const std::string& directory) {
  const std::string file = settings::find_config_file(directory, "");
  if (file.empty()) return;
  const auto report = settings::load_file(file, directory, settings::process_environment());
  if (!report.node || !report.node->cluster) return;  // "check" says what is wrong
  const settings::Cluster& cluster = *report.node->cluster;
  std::vector<std::string> nodes;
  std::string place;
  std::string problem;
  if (cluster::ask_nodes(cluster, nodes, place, problem)) {
    fmt::print("Cluster \"{}\" at {}: {}\n", cluster.prefix, place,
               nodes.empty() ? "no node" : fmt::format("{}", fmt::join(nodes, ", ")));
  } else {
    fmt::print("Cluster \"{}\" at {} cannot be asked: {}\n", cluster.prefix, place, problem);
  }
}

}  // namespace

void add_status(CLI::App& app, Invocation& invocation) {
  struct Options {
    std::string cbdir;
    std::string expected;
  };
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("status", "say whether a node runs in a node directory, and which others are in its cluster");
  add_node_directory(*command, options->cbdir);
  command->add_option("--assert", options->expected, "fail unless this is the status")
      ->check(CLI::IsMember({"running", "stopped"}));
  command->callback([&invocation, options] {
    invocation.run = [options] {
      const auto directory = settings::find_node_directory(options->cbdir, settings::process_environment());
      std::string note;
      const bool running = node::PidFile(directory).running(note).has_value();
      fmt::print("Status is {}\n", running ? "RUNNING" : "STOPPED");
      print_cluster(directory);
      const bool as_expected = options->expected.empty() || (options->expected == "running") == running;
      return as_expected ? kOk : kUnavailable;
    };
  });
}

}  // namespace crosspoint::cli
