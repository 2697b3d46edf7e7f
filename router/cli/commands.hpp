#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

/// The commands of the program, one file each; main.cpp has the table. A command's `add_…` function declares its flags
/// and stores in `run` what to do when the command line has named it. `run` returns the program's exit code.
namespace crosspoint::cli {

/// Exit codes, as Crossbar's.
inline constexpr int kOk = 0;
inline constexpr int kFailed = 1;
inline constexpr int kUsage = 2;
inline constexpr int kUnavailable = 69;  ///< EX_UNAVAILABLE: nothing is running

struct Invocation {
  std::vector<std::string> argv;
  std::function<int()> run;
};

void add_init(CLI::App& app, Invocation& invocation);
void add_start(CLI::App& app, Invocation& invocation);
void add_stop(CLI::App& app, Invocation& invocation);
void add_restart(CLI::App& app, Invocation& invocation);
void add_status(CLI::App& app, Invocation& invocation);
void add_check(CLI::App& app, Invocation& invocation);
void add_upgrade(CLI::App& app, Invocation& invocation);
void add_keygen(CLI::App& app, Invocation& invocation);
void add_version(CLI::App& app, Invocation& invocation);

/// "crosspoint: <text>" on standard error.
void complain(const std::string& text);

/// Declares --cbdir.
void add_node_directory(CLI::App& command, std::string& given);

/// Ends the node that runs in a directory: SIGINT, then SIGTERM, then SIGKILL, each with a time to end in. Returns
/// kOk, or kUnavailable if none was running.
int stop_node(const std::string& node_directory);

}  // namespace crosspoint::cli
