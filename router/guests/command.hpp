#pragma once

#include <optional>
#include <string>
#include <vector>

#include "settings/node.hpp"

/// What is run for a guest, found out before anything is started.
namespace crosspoint::guests {

struct Command {
  std::string program;                   ///< absolute
  std::vector<std::string> arguments;    ///< without argv[0], which is the program
  std::vector<std::string> environment;  ///< "NAME=value"
  std::string workdir;                   ///< absolute
};

/// Finds the executable (in the working directory, else in PATH) and makes the environment. Nothing, with the reason in
/// `problem`, if the guest cannot be started. `environment` is the node's own.
std::optional<Command> find_command(const settings::GuestWorker& guest, const std::vector<std::string>& environment,
                                    std::string& problem);

/// This process's environment.
std::vector<std::string> own_environment();

}  // namespace crosspoint::guests
