#include "transports/universal_protocol.hpp"

#include "base/log.hpp"
#include "transports/web/services.hpp"

namespace crosspoint::transports {
namespace {

/// What an MQTT connection begins with.
constexpr std::uint8_t kMqttConnect = 0x10;

}  // namespace

UniversalProtocol::UniversalProtocol(Stream& stream, const UniversalOptions& options)
    : stream_(stream), options_(options) {
  // As long as HTTP would wait: browsers open connections that they may use later.
  std::chrono::milliseconds wait = std::chrono::seconds(options_.http.client_timeout);
  if (options_.http.open_timeout.count() > 0) {
    wait = options_.http.open_timeout;
    if (options_.rawsocket != nullptr) wait = std::max<std::chrono::milliseconds>(wait, kRawSocketHandshakeTime);
  }
  timer_ = stream_.io().after(wait, [this] { stream_.finish("nothing was sent in time"); });
}

UniversalProtocol::~UniversalProtocol() { stream_.io().cancel(timer_); }

std::size_t UniversalProtocol::on_bytes(std::span<std::uint8_t> bytes, const base::ChunkRef&) {
  stream_.io().cancel(timer_);
  if (bytes[0] == kRawSocketMagic) {
    if (options_.rawsocket == nullptr) {
      refuse("RawSocket");
    } else {
      stream_.set_protocol(std::make_unique<RawSocketProtocol>(stream_, *options_.rawsocket));
    }
  } else if (bytes[0] == kMqttConnect) {
    refuse("MQTT");
  } else if (options_.root == nullptr) {
    refuse("HTTP");
  } else {
    stream_.set_protocol(std::make_unique<HttpProtocol>(stream_, *options_.root, options_.http));
  }
  return 0;  // the new protocol begins with the first byte
}

void UniversalProtocol::refuse(std::string_view what) {
  log::info("{}: refused: {} is not configured for this transport", stream_.peer_address(), what);
  stream_.finish("the protocol is not configured");
}

void UniversalProtocol::on_closed(std::string_view) { stream_.io().cancel(timer_); }

void UniversalService::add(const std::string& component, std::unique_ptr<HttpService> websocket) {
  websockets_[component] = std::move(websocket);
}

std::pair<const HttpService*, std::string_view> UniversalService::find(std::string_view rest) const {
  // Crossbar takes the first component that is not empty.
  std::string_view path = rest;
  path.remove_prefix(std::min(path.find_first_not_of('/'), path.size()));
  const auto slash = path.find('/');
  const auto websocket = websockets_.find(path.substr(0, slash));
  if (websocket != websockets_.end()) {
    return {websocket->second.get(), slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1)};
  }
  return {web_.get(), rest};
}

void UniversalService::handle(std::shared_ptr<HttpExchange> exchange, std::string_view rest) const {
  const auto [service, below] = find(rest);
  if (service != nullptr) return service->handle(std::move(exchange), below);
  exchange->respond(web::not_found(exchange->request()));
}

std::size_t UniversalService::body_limit(std::string_view rest) const {
  const auto [service, below] = find(rest);
  return service != nullptr ? service->body_limit(below) : HttpService::body_limit(rest);
}

}  // namespace crosspoint::transports
