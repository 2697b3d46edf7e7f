#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "connection/router.hpp"
#include "gateway/hub.hpp"
#include "gateway/mailbox_procedures.hpp"
#include "gateway/node_calls.hpp"
#include "gateway/other_nodes.hpp"
#include "gateway/procedures.hpp"
#include "settings/gateway.hpp"
#include "transports/http_service.hpp"

namespace crosspoint::gateway {

/// Connections that do not speak WAMP, served by procedures of a realm: all gateway routes of a router worker. Built
/// before the threads start.
class Gateway {
 public:
  /// `threads`: of the router. Both must outlive the connections.
  Gateway(connection::Router& router, unsigned threads);

  /// Joins the clustered realms to those of other nodes. Before anything else.
  void join(OtherNodes& others);
  /// The service of a route. nullptr if its realm or role is not there.
  std::unique_ptr<transports::HttpService> make_service(const settings::Gateway& settings);
  /// Gives a realm mailboxes. False if there is no such realm.
  bool add_mailboxes(const std::string& realm, MailboxOptions options);
  /// Registers the procedures for workers. Before the threads start.
  void start();

  /// Any thread: no new connections; those there are have `shutdown` called and are closed.
  void shut_down();
  /// Any thread: connections, counting those whose last calls are not answered yet.
  std::size_t count() const { return count_.load(std::memory_order_relaxed); }

 private:
  Hub* find_hub(const std::string& realm);
  NodeCalls* find_calls(const std::string& realm);
  void complain(std::string_view from);

  connection::Router& router_;
  const unsigned threads_;
  OtherNodes* others_ = nullptr;
  std::chrono::steady_clock::time_point next_complaint_;  // of the thread on which messages of other nodes come
  std::uint64_t node_;
  std::atomic<std::size_t> count_{0};
  std::atomic<bool> closed_{false};
  std::vector<std::unique_ptr<NodeCalls>> calls_;  // of clustered realms
  std::vector<std::unique_ptr<Hub>> hubs_;
  std::vector<std::unique_ptr<Route>> routes_;
  std::vector<std::unique_ptr<Procedures>> procedures_;
  std::vector<std::unique_ptr<MailboxProcedures>> mailboxes_;
};

}  // namespace crosspoint::gateway
