#pragma once

#include <atomic>
#include <memory>

#include "gateway/hub.hpp"
#include "transports/http_service.hpp"

namespace crosspoint::gateway {

/// The path service of one route: asks the worker, accepts connections or refuses them, and answers other requests.
class GatewayService final : public transports::HttpService {
 public:
  /// `closed`: set when the router stops.
  GatewayService(const Route& route, const std::atomic<bool>& closed) : route_(route), closed_(closed) {}

  void handle(std::shared_ptr<transports::HttpExchange> exchange, std::string_view rest) const override;

 private:
  struct Request;

  /// Has the worker answer a request that asks for no WebSocket.
  void answer_request(std::shared_ptr<transports::HttpExchange> exchange, std::string_view rest) const;
  void ask_worker(std::shared_ptr<Request> request, HubPart& part, std::string_view rest) const;
  void decide(Request& request, const connection::Service::Answer& answer) const;
  void accept(Request& request) const;

  const Route& route_;
  const std::atomic<bool>& closed_;
};

}  // namespace crosspoint::gateway
