#pragma once

#include <optional>
#include <vector>

#include "settings/transport.hpp"
#include "transports/http_service.hpp"
#include "transports/message_port.hpp"

namespace crosspoint::transports {

/// WAMP over WebSocket on any path below its own: upgrades connections, and shows browsers that ask for a page what is
/// here.
class WebSocketService final : public HttpService {
 public:
  /// `endpoint` must outlive the service's connections.
  WebSocketService(const settings::WebSocket& settings, MessageHandlerFactory& endpoint);

  void handle(std::shared_ptr<HttpExchange> exchange, std::string_view rest) const override;

 private:
  void show_status(HttpExchange& exchange) const;

  void admit_cookie(const HttpRequest& request, HttpResponse& response, TransportInfo& info) const;

  settings::WebSocketOptions options_;
  std::optional<settings::Cookie> cookie_;
  std::vector<const serializers::Serializer*> serializers_;
  MessageHandlerFactory& endpoint_;
};

}  // namespace crosspoint::transports
