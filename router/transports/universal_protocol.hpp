#pragma once

#include <map>
#include <memory>
#include <string>

#include "transports/http_protocol.hpp"
#include "transports/rawsocket_protocol.hpp"

namespace crosspoint::transports {

/// What a universal transport speaks; nullptr for what it does not. Constant; used by all threads.
struct UniversalOptions {
  const RawSocketOptions* rawsocket = nullptr;
  const HttpService* root = nullptr;  ///< of HTTP and WebSocket
  HttpOptions http;
};

/// Looks at the first byte of a connection and becomes the protocol that it belongs to.
class UniversalProtocol final : public Protocol {
 public:
  UniversalProtocol(Stream& stream, const UniversalOptions& options);
  ~UniversalProtocol() override;

  std::size_t on_bytes(std::span<std::uint8_t> bytes, const base::ChunkRef& owner) override;
  void on_closed(std::string_view reason) override;

 private:
  void refuse(std::string_view what);

  Stream& stream_;
  const UniversalOptions& options_;
  base::Timers::Handle timer_;
};

/// The root of the HTTP side: WebSockets by the first component of the path, everything else to the web.
class UniversalService final : public HttpService {
 public:
  /// "" is the WebSocket of the path "/".
  void add(const std::string& component, std::unique_ptr<HttpService> websocket);
  /// nullptr: what no WebSocket takes is not found.
  void set_web(std::unique_ptr<HttpService> web) { web_ = std::move(web); }

  void handle(std::shared_ptr<HttpExchange> exchange, std::string_view rest) const override;
  std::size_t body_limit(std::string_view rest) const override;

 private:
  /// The service for a path, and what is left of the path for it. nullptr if there is none.
  std::pair<const HttpService*, std::string_view> find(std::string_view rest) const;

  std::map<std::string, std::unique_ptr<HttpService>, std::less<>> websockets_;
  std::unique_ptr<HttpService> web_;
};

}  // namespace crosspoint::transports
