#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "settings/node.hpp"
#include "settings/problem.hpp"

/// Reads node configurations. Nothing here throws, logs or keeps state.
namespace crosspoint::settings {

/// Looks up an environment variable.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;
/// The process's own.
Environment process_environment();

/// What a configuration says, and everything that is wrong with it.
struct Report {
  std::optional<Node> node;  ///< set if there are no errors
  std::vector<Problem> errors;
  std::vector<Problem> warnings;     ///< accepted, but probably not what was meant
  std::vector<Problem> unsupported;  ///< Crossbar has it, Crosspoint does not
};

/// The node directory: `given` (--cbdir) if not empty, else $CROSSBAR_DIR, else ./.crossbar if there is one, else the
/// current directory; the directory of it if it names a file. Absolute.
std::string find_node_directory(const std::string& given, const Environment& environment);

/// The configuration file: `given` (--config, joined to the node directory) if not empty, else config.yaml, else
/// config.json there. Empty if there is none.
std::string find_config_file(const std::string& node_directory, const std::string& given);

/// Loads a file; its extension (.json, .yaml) says what it is. Without a file (empty path) the node is empty.
Report load_file(const std::string& file, const std::string& node_directory, const Environment& environment);

/// Loads a document given as JSON text. `file` is for messages only.
Report load_json(const std::string& text, const std::string& file, const std::string& node_directory,
                 const Environment& environment);

/// A version 1 configuration as version 2 (the permissions of roles had another form), as JSON text. Returns the text
/// unchanged if it is version 2 already. On failure returns nothing and says why in `problem`.
std::optional<std::string> upgrade_json(const std::string& text, std::string& problem);

}  // namespace crosspoint::settings
