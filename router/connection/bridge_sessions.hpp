#pragma once

#include <chrono>
#include <string>

#include "connection/router.hpp"
#include "transports/web/bridge_session.hpp"

namespace crosspoint::connection {

/// What an HTTP bridge publishes and calls with: the router's own sessions of one role, one on each I/O thread.
/// Constant after start; used by all threads.
class BridgeSessions final : public transports::web::BridgeSession {
 public:
  BridgeSessions(Router& router, const std::string& realm, const std::string& role, std::chrono::seconds call_timeout);

  /// False if there is no such realm or role.
  bool good() const { return role_ != nullptr; }

  std::string_view publish(base::IoThread& io, std::string_view topic, std::string_view options,
                           std::string_view payload, Callback callback, std::uint64_t& request) override;
  std::string_view call(base::IoThread& io, std::string_view procedure, std::string_view payload, Callback callback,
                        std::uint64_t& request) override;
  void abandon(base::IoThread& io, std::uint64_t request) override;

 private:
  Service& service(base::IoThread& io) { return router_.gate(*realm_, io.index()).service(*role_); }

  Router& router_;
  const realm::Realm* realm_;
  const realm::Role* role_;
  std::chrono::seconds call_timeout_;
};

}  // namespace crosspoint::connection
