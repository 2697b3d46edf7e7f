#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "connection/service.hpp"
#include "gateway/hub.hpp"
#include "gateway/node_calls.hpp"
#include "gateway/node_procedures.hpp"
#include "gateway/own_connections.hpp"

namespace crosspoint::gateway {

/// Errors of these procedures, beside WAMP's.
inline constexpr std::string_view kNoSuchConnection = "crosspoint.error.no_such_connection";
inline constexpr std::string_view kSlowReceiver = "crosspoint.error.slow_receiver";

/// The procedures by which the workers of a realm reach its connections, `crosspoint.gateway.` and:
///   send       [id, message]                  error if the connection is gone or does not read
///   send_many  [[ids], message]               the ids of those it did not reach
///   broadcast  [route, message] {exclude}     to how many connections it went
///   close      [id] {code, reason}            error if the connection is gone
///   list       [route]                        ids; of all routes without an argument
///   get        [id]                           what is known of a connection
///   statistics [route]                        by route: connections and queued_bytes now; since the start, opened and
///                                             refused (connections), received, sent and dropped (messages), failed
///                                             (calls); of this node
/// What one session sends arrives in the order in which it sent it. They live on one thread and reach the connections
/// of the others by posting. In a clustered realm all but the last are about the connections of all nodes. If one
/// cannot be reached or does not answer in time, what is about a connection of its is refused as unavailable, and the
/// others do without it.
class Procedures {
 public:
  Procedures(Hub& hub, connection::RealmGate& gate);

  /// Registers them. False, and a line in the log, if that is not possible.
  bool start();

 private:
  using Call = connection::Service::Invocation;

  void send(const Call& call);
  void send_many(const Call& call);
  void broadcast(const Call& call);
  void close(const Call& call);
  void list(const Call& call);
  void get(const Call& call);
  void statistics(const Call& call);

  /// The connection that an argument names; an error has been sent if nothing is returned.
  std::optional<ConnectionId> connection_argument(const Call& call);
  bool is_of_another_node(const ConnectionId& id) const;
  /// Has the connection's node do it, and calls `then(value)` if there is a value; else the call gets an error.
  template <class Then>
  void ask(const Call& call, const ConnectionId& id, const char* name, nlohmann::json arguments, Then then);
  std::shared_ptr<const Data> data_argument(const Call& call);
  /// The name of a route, or empty.
  std::optional<std::string> route_argument(const Call& call, bool needed);

  void answer_send(wamp::RequestId call, Sent sent);
  void answer_close(wamp::RequestId call, bool closed);
  void answer_get(wamp::RequestId call, const nlohmann::json& details);
  void gone(wamp::RequestId call);
  void invalid(const Call& call, std::string_view text);

  Hub& hub_;
  connection::RealmGate& gate_;
  OwnConnections own_;
  std::optional<NodeProcedures> for_others_;
  connection::Service* service_ = nullptr;
};

}  // namespace crosspoint::gateway
