#include <cstdio>

#include "cli/commands.hpp"

namespace crosspoint::cli {

void complain(const std::string& text) {
  std::fflush(stdout);
  std::fprintf(stderr, "crosspoint: %s\n", text.c_str());
}

void add_node_directory(CLI::App& command, std::string& given) {
  command.add_option("--cbdir", given, "the node directory (default: $CROSSBAR_DIR, else ./.crossbar, else .)");
}

}  // namespace crosspoint::cli
