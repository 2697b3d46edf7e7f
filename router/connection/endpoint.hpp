#pragma once

#include <chrono>
#include <cstddef>
#include <memory>

#include "connection/cookie_store.hpp"
#include "connection/handshake.hpp"
#include "transports/message_port.hpp"

namespace crosspoint::connection {

class Router;

/// What happens to events for a session whose queue is full.
enum class SlowReceiver { drop, disconnect };

/// The WAMP side of a configured endpoint: makes a Connection for each transport connection. Constant; used by all
/// threads.
class Endpoint final : public transports::MessageHandlerFactory {
 public:
  Endpoint(Router& router, AuthMethods methods) : auth_methods(std::move(methods)), router_(router) {}

  std::unique_ptr<transports::MessageHandler> make_handler(transports::MessagePort& port) override;

  transports::CookieIssuer* cookies() override { return cookie_store.get(); }

  AuthMethods auth_methods;
  std::shared_ptr<CookieStore> cookie_store;  ///< of a WebSocket endpoint that has cookies
  bool cookies_sign_in = false;               ///< the authentication method "cookie" is configured
  bool describes_transport = false;           ///< to dynamic authenticators
  std::size_t max_queued_bytes = 16 * 1024 * 1024;
  SlowReceiver slow_receiver = SlowReceiver::drop;
  /// A session is ended if others that stream to it have been held back for so long because it does not read.
  std::chrono::milliseconds max_stream_wait{20'000};

 private:
  Router& router_;
};

}  // namespace crosspoint::connection
