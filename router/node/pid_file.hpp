#pragma once

#include <optional>
#include <string>
#include <vector>

namespace crosspoint::node {

/// A node that `node.pid` says is running, and is.
struct RunningNode {
  int pid = 0;
  std::vector<std::string> argv;  ///< it was started with
  std::string cwd;                ///< in this directory; empty if the file does not say
};

/// `node.pid` in a node directory: JSON, in the form Crossbar writes it.
class PidFile {
 public:
  explicit PidFile(const std::string& node_directory) : path_(node_directory + "/node.pid") {}

  /// Who runs here. A file that is damaged, or names a process that is gone or is no node, is removed; `note` says so.
  std::optional<RunningNode> running(std::string& note) const;
  /// Returns what went wrong, or nothing.
  std::optional<std::string> write(const std::vector<std::string>& argv, const std::string& options_json) const;
  void remove() const;

 private:
  std::string path_;
};

}  // namespace crosspoint::node
