#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "connection/service.hpp"
#include "gateway/call_queue.hpp"
#include "gateway/message_call.hpp"
#include "transports/plain_port.hpp"

namespace crosspoint::gateway {

class HubPart;
struct Route;
struct RouteCounters;

/// What became of a message for a connection.
enum class Sent { yes, gone, full };

/// A connection that does not speak WAMP, and its side to the worker: messages become calls of the route's procedures,
/// what they return goes back as a message. It is there from the request to the answer of the last call
/// (`disconnect`), which is made once for every connection that the worker may know of. Belongs to one thread.
class Client : public std::enable_shared_from_this<Client> {
 public:
  Client(HubPart& part, const Route& route, std::uint64_t number, std::string peer_address);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  const std::string& id() const { return id_; }
  std::uint64_t number() const { return number_; }
  const Route& route() const { return route_; }
  /// What each call begins with.
  const Introduction& introduction() const { return introduction_; }
  nlohmann::json describe() const;
  /// Of its route.
  RouteCounters& counters() { return counters_; }

  /// The connection is accepted: makes its handler.
  std::unique_ptr<transports::PlainHandler> open(transports::PlainPort& port, nlohmann::json principal);
  /// There will be no connection although the worker may think so.
  void abandon(std::string_view reason);

  Sent send(transports::DataKind kind, base::Bytes message);
  /// The same with a frame for many, made by any of their ports.
  Sent send(const transports::SharedFrame& frame);
  /// So much waits for it that whoever can wait should.
  bool is_congested() const;
  bool takes_shared_frames() const { return port_ != nullptr && port_->takes_shared_frames(); }
  transports::PlainPort* port() { return port_; }
  /// Begins the closing handshake. False if the connection is gone, or going.
  bool close(std::uint16_t code, std::string_view reason);
  /// Calls `shutdown`, then closes.
  void shut_down();

 private:
  class Handler;

  void on_data(transports::DataKind kind, std::string_view message);
  void on_closed(std::string_view reason);
  void on_drained();
  void pump();
  void make(const QueuedCall& call);
  void make_message(transports::DataKind kind, std::string_view message);
  void make_default(std::string message);
  /// The introduction and, if it is not null, one more argument, as JSON text.
  std::string arguments_with(const nlohmann::json& more) const;
  /// A call with these.
  void make_call(QueuedCall::Kind kind, const std::string& procedure, const nlohmann::json& more);
  void answered(QueuedCall::Kind kind, const connection::Service::Answer& answer);
  void reply(const nlohmann::json& value);
  bool has_room();
  void check_queue();
  void update_reading();
  nlohmann::json identity() const;
  void leave(transports::CloseStatus status);

  HubPart& part_;
  const Route& route_;
  RouteCounters& counters_;
  const std::uint64_t number_;
  const std::string id_;
  const std::string peer_address_;
  const std::chrono::system_clock::time_point since_ = std::chrono::system_clock::now();
  nlohmann::json principal_;
  Introduction introduction_;
  transports::PlainPort* port_ = nullptr;
  CallQueue queue_;
  transports::CloseStatus status_;  // when it is gone
  bool queue_is_long_ = false;      // of what the connection does not read
  bool doomed_ = false;
  bool shutting_down_ = false;
  std::uint64_t received_ = 0, sent_ = 0, dropped_ = 0;  // messages
};

}  // namespace crosspoint::gateway
