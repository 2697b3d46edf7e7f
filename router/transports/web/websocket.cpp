#include <fmt/core.h>

#include "transports/web/services.hpp"
#include "transports/websocket_service.hpp"

namespace crosspoint::transports::web {

std::unique_ptr<HttpService> make_websocket(const settings::WebSocket& settings, const ServiceContext& context) {
  return std::make_unique<WebSocketService>(settings, context.make_endpoint(settings));
}

}  // namespace crosspoint::transports::web
