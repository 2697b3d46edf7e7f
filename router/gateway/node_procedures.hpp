#pragma once

#include "gateway/node_calls.hpp"
#include "gateway/own_connections.hpp"

namespace crosspoint::gateway {

/// What other nodes may ask about a realm's connections on this one: the procedures for workers again, with what their
/// own node has made of the arguments. What cannot be understood is answered with nothing.
///   send       [id, message]               Sent, as a number
///   send_many  [[ids], message]            the ids of those it did not reach
///   broadcast  [route, message, [except]]  to how many it went
///   close      [id, code, reason]          whether it was there
///   list       [route]                     ids
///   get        [id]                        what is known of it, or null
class NodeProcedures {
 public:
  /// Before the threads start.
  NodeProcedures(OwnConnections& connections, NodeCalls& calls);

 private:
  using Request = NodeCalls::Request;

  void send(const Request& request);
  void send_many(const Request& request);
  void broadcast(const Request& request);
  void close(const Request& request);
  void list(const Request& request);
  void get(const Request& request);

  /// The connection that an argument names; nothing if it can be none of this node.
  std::optional<ConnectionId> connection_of(const nlohmann::json& value) const;
  /// Answers with nothing.
  void refuse(const Request& request) { calls_.answer(request, std::nullopt); }
  template <class Result>
  OwnConnections::Then<Result> answer_to(const Request& request);

  OwnConnections& connections_;
  NodeCalls& calls_;
};

}  // namespace crosspoint::gateway
