#include "node/pid_file.hpp"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

namespace crosspoint::node {
namespace {

using nlohmann::ordered_json;

std::string read_file(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

bool is_alive(int pid) { return ::kill(pid, 0) == 0 || errno == EPERM; }

/// True if the process's command line is that of a node: a number may have been given to another program since.
bool is_node(int pid) {
  const std::string line = read_file("/proc/" + std::to_string(pid) + "/cmdline");
  const std::string program = line.substr(0, line.find('\0'));
  const std::string name = std::filesystem::path(program).filename().string();
  return line.empty() || name.find("crosspoint") != std::string::npos || name.find("crossbar") != std::string::npos;
}

}  // namespace

std::optional<RunningNode> PidFile::running(std::string& note) const {
  std::error_code error;
  if (!std::filesystem::exists(path_, error)) return std::nullopt;
  const auto document = ordered_json::parse(read_file(path_), nullptr, false);
  if (!document.is_object() || !document.contains("pid") || !document["pid"].is_number_integer()) {
    note = "Removing the damaged pid file " + path_;
    remove();
    return std::nullopt;
  }
  RunningNode node;
  node.pid = document["pid"].get<int>();
  if (node.pid == ::getpid()) return std::nullopt;  // a container's processes have the same numbers after a restart
  if (node.pid <= 0 || !is_alive(node.pid) || !is_node(node.pid)) {
    note = "Removing the pid file " + path_ + " of a node that is gone (PID " + std::to_string(node.pid) + ")";
    remove();
    return std::nullopt;
  }
  const auto argv = document.find("argv");
  if (argv != document.end() && argv->is_array()) {
    for (const auto& argument : *argv) {
      if (argument.is_string()) node.argv.push_back(argument.get<std::string>());
    }
  }
  node.cwd = document.contains("cwd") && document["cwd"].is_string() ? document["cwd"].get<std::string>() : "";
  return node;
}

std::optional<std::string> PidFile::write(const std::vector<std::string>& argv, const std::string& options_json) const {
  ordered_json document;
  document["pid"] = ::getpid();
  document["argv"] = argv;
  document["options"] = ordered_json::parse(options_json);
  std::error_code error;
  document["cwd"] = std::filesystem::current_path(error).string();
  // Written aside and renamed, so that nobody reads half a file.
  const std::string aside = path_ + ".new";
  std::ofstream stream(aside, std::ios::binary | std::ios::trunc);
  stream << document.dump(4) << "\n";
  stream.close();
  if (!stream) return "cannot write " + aside + ": " + std::strerror(errno);
  std::filesystem::rename(aside, path_, error);
  if (error) return "cannot write " + path_ + ": " + error.message();
  return std::nullopt;
}

void PidFile::remove() const {
  std::error_code error;
  std::filesystem::remove(path_, error);
}

}  // namespace crosspoint::node
