#include "transports/websocket_service.hpp"

#include <fmt/core.h>

#include "base/log.hpp"
#include "transports/batched_websocket.hpp"
#include "transports/cookies.hpp"
#include "transports/web/services.hpp"
#include "transports/websocket_protocol.hpp"
#include "transports/websocket_upgrade.hpp"

namespace crosspoint::transports {

WebSocketService::WebSocketService(const settings::WebSocket& settings, MessageHandlerFactory& endpoint)
    : options_(settings.options),
      cookie_(settings.cookie),
      serializers_(settings.echo ? std::vector<const serializers::Serializer*>()
                                 : serializers::choose(settings.serializers)),
      endpoint_(endpoint) {}

void WebSocketService::handle(std::shared_ptr<HttpExchange> exchange, std::string_view) const {
  const HttpRequest& request = exchange->request();
  if (!is_upgrade(request)) return show_status(*exchange);
  WebSocketUpgrade upgrade = negotiate_upgrade(request, options_, serializers_);
  Stream* stream = exchange->stream();
  if (stream == nullptr) return;
  if (!upgrade.accepted()) {
    log::info("{}: WebSocket refused: {}", stream->peer_address(),
              std::string_view(upgrade.response.body).substr(0, upgrade.response.body.find('\n')));
    return exchange->respond(std::move(upgrade.response));
  }
  WebSocketSession session;
  session.serializer = upgrade.serializer;
  session.deflate = std::move(upgrade.deflate);
  TransportInfo& info = session.info;
  info.serializer = upgrade.serializer;
  info.framing = "websocket";
  info.subprotocol = upgrade.subprotocol;
  if (session.deflate) info.extensions.push_back(session.deflate->response);
  stream->describe(info);
  admit_cookie(request, upgrade.response, info);
  info.headers_received = request.headers;
  info.headers_sent = upgrade.response.headers;
  if (!options_.tcp_nodelay) stream->set_no_delay(false);
  exchange->upgrade(std::move(upgrade.response), [&](Stream& upgraded) {
    std::unique_ptr<WebSocketProtocol> protocol;
    if (upgrade.batched) {
      protocol = std::make_unique<BatchedWebSocketProtocol>(upgraded, options_, std::move(session));
    } else {
      protocol = std::make_unique<WebSocketProtocol>(upgraded, options_, std::move(session));
    }
    protocol->open(endpoint_);
    return protocol;
  });
}

void WebSocketService::admit_cookie(const HttpRequest& request, HttpResponse& response, TransportInfo& info) const {
  CookieIssuer* issuer = endpoint_.cookies();
  if (!cookie_ || issuer == nullptr) return;
  const std::string_view offered = find_cookie(request.header("cookie"), cookie_->name);
  info.cookie = issuer->admit(offered);
  if (info.cookie != offered) response.set("Set-Cookie", set_cookie(*cookie_, info.cookie));
}

void WebSocketService::show_status(HttpExchange& exchange) const {
  if (!options_.enable_webstatus) {
    HttpResponse response = HttpResponse::text(426, "this is a WebSocket endpoint\n");
    response.set("Upgrade", "websocket");
    response.set("Connection", "Upgrade");
    return exchange.respond(std::move(response));
  }
  std::string subprotocols;
  for (const auto& name : subprotocols_of(serializers_)) subprotocols += fmt::format("<li>{}</li>", name);
  exchange.respond(HttpResponse::html(
      200, fmt::format("<!DOCTYPE html>\n<html><head><title>Crosspoint WebSocket endpoint</title></head><body>"
                       "<h1>WAMP over WebSocket</h1><p>{} is a WebSocket endpoint: connect with a WAMP client, not "
                       "with a browser's address bar.</p><p>Subprotocols:</p><ul>{}</ul></body></html>\n",
                       web::escape_html(exchange.request().path), subprotocols)));
}

}  // namespace crosspoint::transports
