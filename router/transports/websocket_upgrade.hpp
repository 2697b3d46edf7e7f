#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "serializers/serializers.hpp"
#include "settings/websocket.hpp"
#include "transports/http_message.hpp"
#include "transports/permessage_deflate.hpp"

/// The WebSocket opening handshake (RFC 6455, section 4) with WAMP's subprotocols: a request in, a decision out.
namespace crosspoint::transports {

struct WebSocketUpgrade {
  /// 101 if the connection becomes a WebSocket; otherwise the refusal.
  HttpResponse response;
  bool accepted() const { return response.status == 101; }
  /// Of an accepted one, if the endpoint offers serializers.
  const serializers::Serializer* serializer = nullptr;
  bool batched = false;     ///< several messages in one ("Message Batching", advanced profile)
  std::string subprotocol;  ///< as answered; empty if the client offered none and that is allowed
  std::optional<DeflateAgreement> deflate;
};

/// The subprotocols of these serializers, each without and with batches.
std::vector<std::string> subprotocols_of(const std::vector<const serializers::Serializer*>& serializers);

/// True if the request asks for a WebSocket at all.
bool is_upgrade(const HttpRequest& request);

/// `serializers`: those the endpoint offers; none: it takes connections without a subprotocol.
WebSocketUpgrade negotiate_upgrade(const HttpRequest& request, const settings::WebSocketOptions& options,
                                   const std::vector<const serializers::Serializer*>& serializers);

/// The same for connections that do not speak WAMP: takes the first of the client's subprotocols that is in
/// `subprotocols`, and connections that offer none or no known one without.
WebSocketUpgrade negotiate_plain_upgrade(const HttpRequest& request, const settings::WebSocketOptions& options,
                                         const std::vector<std::string>& subprotocols);

/// True if one of the patterns (with '*' for any text) matches an Origin. A pattern without port also admits the
/// scheme's default port, and one without scheme any scheme.
bool is_origin_allowed(std::string_view origin, const std::vector<std::string>& patterns);

}  // namespace crosspoint::transports
