#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "connection/service.hpp"
#include "gateway/hub.hpp"

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
///                                             (calls)
/// What one session sends arrives in the order in which it sent it. They live on one thread and reach the connections
/// of the others by posting.
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
  std::shared_ptr<const Data> data_argument(const Call& call);
  /// The name of a route, or empty.
  std::optional<std::string> route_argument(const Call& call, bool needed);

  /// Runs `task(part)` on the connection's thread, then `then(result)` here.
  template <class Task, class Then>
  void on_thread(unsigned thread, Task task, Then then);
  /// Runs `task(part)` on every thread, then `then(results)` here.
  template <class Task, class Then>
  void on_all_threads(Task task, Then then);

  void answer(const Call& call, const nlohmann::json& value) { service_->yield(call.id, value); }
  void gone(wamp::RequestId call);
  void invalid(const Call& call, std::string_view text);

  Hub& hub_;
  connection::RealmGate& gate_;
  connection::Service* service_ = nullptr;
};

}  // namespace crosspoint::gateway
