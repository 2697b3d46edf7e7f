#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "guests/guest.hpp"
#include "node/router_worker.hpp"
#include "node/script_processes.hpp"
#include "settings/node.hpp"

namespace crosspoint::node {

/// A running node: its workers, from configuration to orderly end. Belongs to the main thread.
class Node {
 public:
  explicit Node(settings::Node settings);
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  /// Starts all workers. Returns what is not possible, in which case nothing runs. A node of a cluster takes clients
  /// later, when it has joined.
  std::optional<std::string> start();
  /// Runs until a signal (SIGINT, SIGTERM) or the given time ends the node, then stops it: no new connections, GOODBYE
  /// to every session, a bounded time for the answers. A second signal ends the wait. SIGHUP has keys and certificates
  /// read again.
  void run(std::optional<std::chrono::seconds> shutdown_after);

 private:
  std::optional<std::string> prepare();
  void wait_for_cluster();
  void serve();
  void wait_for_signal();
  void wait_for_reload();
  void wait_for_children();
  void reap_children();
  void begin_shutdown(const std::string& why);
  void wait_for_gateway();
  void end_sessions();
  void wait_for_sessions();
  void close_connections();
  void wait_for_connections();
  std::size_t total(std::size_t (RouterWorker::*count)() const) const;
  bool guests_running() const;

  settings::Node settings_;
  boost::asio::io_context context_;
  boost::asio::signal_set signals_;
  boost::asio::signal_set reload_signals_;
  boost::asio::signal_set child_signals_;
  boost::asio::steady_timer timer_;
  boost::asio::steady_timer join_timer_;
  std::chrono::steady_clock::time_point deadline_;
  bool stopping_ = false;
  bool serving_ = false;
  std::vector<std::unique_ptr<RouterWorker>> routers_;
  std::vector<std::string> router_ids_;
  std::vector<std::unique_ptr<guests::Guest>> guests_;
  ScriptProcesses scripts_;  // ends before the routers, whose threads hear of what it does
};

}  // namespace crosspoint::node
