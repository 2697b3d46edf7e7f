#include "guests/command.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <sstream>

namespace crosspoint::guests {
namespace {

namespace fs = std::filesystem;

bool is_program(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error) && !fs::is_directory(path, error) && ::access(path.c_str(), X_OK) == 0;
}

std::string find_program(const std::string& name, const std::string& workdir, const std::string& search_path) {
  const fs::path here = (fs::path(workdir) / name).lexically_normal();
  if (is_program(here)) return here.string();
  if (name.find('/') != std::string::npos) return "";
  std::istringstream folders(search_path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    const fs::path path = fs::path(folder.empty() ? "." : folder) / name;
    std::error_code error;
    if (is_program(path)) return fs::absolute(path, error).string();
  }
  return "";
}

}  // namespace

std::vector<std::string> own_environment() {
  std::vector<std::string> all;
  for (char** entry = ::environ; *entry != nullptr; ++entry) all.emplace_back(*entry);
  return all;
}

std::optional<Command> find_command(const settings::GuestWorker& guest, const std::vector<std::string>& environment,
                                    std::string& problem) {
  std::map<std::string, std::string> variables;
  std::string search_path;
  for (const auto& entry : environment) {
    const std::size_t equals = entry.find('=');
    if (equals == std::string::npos) continue;
    const std::string name = entry.substr(0, equals);
    if (name == "PATH") search_path = entry.substr(equals + 1);
    const bool listed = std::find(guest.inherited.begin(), guest.inherited.end(), name) != guest.inherited.end();
    if (guest.inherit_environment && (guest.inherited.empty() || listed)) variables[name] = entry.substr(equals + 1);
  }
  for (const auto& [name, value] : guest.environment) variables[name] = value;
  variables.emplace("PYTHONUNBUFFERED", "1");  // or the output of Python guests would be logged when they end
  Command command;
  std::error_code error;
  if (!fs::is_directory(guest.workdir, error)) {
    problem = fmt::format("the working directory {} is not there", guest.workdir);
    return std::nullopt;
  }
  command.workdir = guest.workdir;
  command.program = find_program(guest.executable, guest.workdir, search_path);
  if (command.program.empty()) {
    problem = fmt::format("could not find an executable for '{}' in {}{}", guest.executable, guest.workdir,
                          guest.executable.find('/') == std::string::npos ? " and PATH" : "");
    return std::nullopt;
  }
  command.arguments = guest.arguments;
  for (const auto& [name, value] : variables) command.environment.push_back(name + "=" + value);
  return command;
}

}  // namespace crosspoint::guests
