#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "settings/cluster.hpp"
#include "settings/realm.hpp"
#include "settings/transport.hpp"

/// A whole node configuration.
namespace crosspoint::settings {

struct RouterWorker {
  std::vector<Realm> realms;
  std::vector<Transport> transports;
  unsigned io_threads = 0;  ///< 1 to 64; 0: one per core
};

/// `restart` of a guest, Crosspoint's own.
enum class Restart { never, on_failure, always };

struct GuestWorker {
  std::string executable;  ///< as written: searched in the working directory, then in PATH
  std::vector<std::string> arguments;
  std::string workdir;  ///< absolute
  bool inherit_environment = true;
  std::vector<std::string> inherited;  ///< if not empty, only these variables are inherited
  std::map<std::string, std::string> environment;
  enum class Input { open, close, json } input = Input::open;
  std::string input_json;  ///< JSON text written to its standard input
  bool input_close = true;
  enum class Output { log, close, drop };
  Output output = Output::log;
  Output error_output = Output::log;
  std::vector<std::string> watch_directories;  ///< absolute
  std::chrono::milliseconds watch_timeout{1000};
  bool watch_restart = false;
  Restart restart = Restart::never;
};

/// A worker type that Crossbar has and Crosspoint does not.
struct UnsupportedWorker {
  std::string type;
};

struct Worker {
  std::string id;
  std::string path;  ///< in the configuration, for messages
  bool disabled = false;
  std::variant<RouterWorker, GuestWorker, UnsupportedWorker> kind;
};

/// When the end of a worker ends the node.
enum class ShutdownTrigger { on_request, on_worker_exit, on_worker_exit_with_error, on_last_worker_exit };

struct Controller {
  std::string id;  ///< of the node; empty: host name and process id
  std::string title;
  std::vector<ShutdownTrigger> shutdown{ShutdownTrigger::on_worker_exit};
};

struct Node {
  Controller controller;
  std::optional<Cluster> cluster;
  std::vector<Worker> workers;
};

}  // namespace crosspoint::settings
