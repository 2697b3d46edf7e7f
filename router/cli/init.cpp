#include <fmt/core.h>

#include <filesystem>
#include <fstream>
#include <memory>

#include "cli/commands.hpp"
#include "cli/template.hpp"

namespace crosspoint::cli {
namespace {

namespace fs = std::filesystem;

/// Writes a file of the template unless there is one.
bool write_new(const fs::path& path, std::string_view text) {
  std::error_code error;
  if (fs::exists(path, error)) {
    fmt::print("{} is there already and stays as it is\n", path.string());
    return true;
  }
  std::ofstream stream(path, std::ios::binary);
  stream << text;
  stream.close();
  if (!stream) {
    complain(path.string() + ": cannot be written");
    return false;
  }
  fmt::print("created {}\n", path.string());
  return true;
}

int init(const std::string& directory) {
  std::error_code error;
  const fs::path root = fs::absolute(directory, error).lexically_normal();
  for (const auto& path : {root / ".crossbar", root / "web"}) {
    fs::create_directories(path, error);
    if (error) {
      complain(path.string() + ": " + error.message());
      return kFailed;
    }
  }
  if (!write_new(root / ".crossbar" / "config.json", kTemplateConfig)) return kFailed;
  if (!write_new(root / "web" / "index.html", kTemplatePage)) return kFailed;
  fmt::print("\nStart the node with\n\n  crosspoint start --cbdir {}\n\nand open http://localhost:8080/\n",
             (root / ".crossbar").string());
  return kOk;
}

}  // namespace

void add_init(CLI::App& app, Invocation& invocation) {
  auto directory = std::make_shared<std::string>(".");
  CLI::App* command = app.add_subcommand("init", "make a node directory to begin with");
  command->add_option("--appdir", *directory, "where to make it (default: here)");
  command->callback([&invocation, directory] { invocation.run = [directory] { return init(*directory); }; });
}

}  // namespace crosspoint::cli
