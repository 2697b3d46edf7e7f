#include "transports/longpoll_service.hpp"

#include <fmt/core.h>

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/log.hpp"
#include "base/random.hpp"
#include "transports/stream.hpp"
#include "transports/web/services.hpp"

namespace crosspoint::transports {
namespace {

constexpr std::string_view kText = "text/plain; charset=utf-8";
constexpr std::size_t kMaxOpenBody = 64 * 1024;

/// Whoever knows it can use the transport: it must not be guessed.
std::string secret_id() {
  std::array<std::uint8_t, 16> bytes{};
  base::fill_secure_random(bytes.data(), bytes.size());
  std::string id;
  for (const auto byte : bytes) id += fmt::format("{:02x}", byte);
  return id;
}

void refuse(HttpExchange& exchange, unsigned status, const std::string& problem) {
  exchange.respond(longpoll_response(exchange.request(), status, kText, problem + "\n"));
}

}  // namespace

LongPollService::LongPollService(const settings::LongPoll& settings, MessageHandlerFactory& endpoint)
    : settings_(settings),
      limits_{std::chrono::seconds(settings.request_timeout), std::chrono::seconds(settings.session_timeout),
              settings.queue_limit_messages, settings::kMaxHttpBody},
      serializers_(serializers::choose({})),
      endpoint_(endpoint) {}

void LongPollService::handle(std::shared_ptr<HttpExchange> exchange, std::string_view rest) const {
  const HttpRequest& request = exchange->request();
  if (exchange->stream() == nullptr) return;
  if (request.method == "OPTIONS") {
    HttpResponse response = longpoll_response(request, 200, "", "");
    response.set("Allow", "POST,GET,OPTIONS");
    response.set("Access-Control-Allow-Methods", "POST,GET,OPTIONS");
    return exchange->respond(std::move(response));
  }
  const bool reading = request.method == "GET" || request.method == "HEAD";
  const auto slash = rest.find('/');
  const std::string_view id = rest.substr(0, slash);
  const std::string_view operation = slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
  if (id.empty() && reading) {
    return exchange->respond(
        HttpResponse::html(200,
                           "<!DOCTYPE html>\n<html><head><title>Crosspoint long-poll endpoint</title></head><body>"
                           "<h1>WAMP over long-polling</h1><p>Connect with a WAMP client, not with a browser's "
                           "address bar.</p></body></html>\n"));
  }
  if (operation.empty() ? !reading && id != "open" : request.method != "POST") {
    return exchange->respond(web::method_not_allowed(operation.empty() && id != "open" ? "GET, HEAD" : "POST"));
  }
  if (id == "open" && request.method == "POST") return open(exchange);
  pass_on(exchange, id, operation);
}

const serializers::Serializer* LongPollService::choose(const std::string& body, std::string& problem) const {
  problem = "the body must be a JSON object with \"protocols\", a list";
  if (body.size() > kMaxOpenBody) return nullptr;
  const auto options = nlohmann::json::parse(body, nullptr, false);
  if (!options.is_object()) return nullptr;
  const auto protocols = options.find("protocols");
  if (protocols == options.end() || !protocols->is_array()) return nullptr;
  problem = "none of the protocols is spoken here:";
  for (const auto* serializer : serializers_) problem += " " + std::string(serializer->subprotocol);
  for (const auto& protocol : *protocols) {
    if (!protocol.is_string()) continue;
    if (const auto* found = serializers::find_by_subprotocol(protocol.get_ref<const std::string&>())) return found;
  }
  return nullptr;
}

void LongPollService::open(const std::shared_ptr<HttpExchange>& exchange) const {
  std::string problem;
  Stream& stream = *exchange->stream();
  TransportInfo info;
  info.serializer = choose(exchange->request().body, problem);
  if (info.serializer == nullptr) {
    log::info("{}: long-polling refused: {}", stream.peer_address(), problem);
    return refuse(*exchange, 400, problem);
  }
  info.framing = "longpoll";
  info.subprotocol = info.serializer->subprotocol;
  stream.describe(info);
  info.headers_received = exchange->request().headers;
  const std::string subprotocol = info.subprotocol;
  std::shared_ptr<LongPollTransport> transport;
  const std::string id = add(stream.io(), std::move(info), transport);
  if (id.empty()) return refuse(*exchange, 503, "too many transports are open");
  transport->open(endpoint_);
  std::string body = "{\"transport\":";
  wamp::append_json_string(body, id);
  exchange->respond(longpoll_response(exchange->request(), 200, "application/json; charset=utf-8",
                                      body + fmt::format(",\"protocol\":\"{}\"}}", subprotocol)));
}

std::string LongPollService::add(base::IoThread& io, TransportInfo info,
                                 std::shared_ptr<LongPollTransport>& transport) const {
  const std::string id = settings_.debug_transport_id.empty() ? secret_id() : settings_.debug_transport_id;
  transport = std::make_shared<LongPollTransport>(io, std::move(info), limits_,
                                                  [this, id](LongPollTransport& closed) { remove(id, &closed); });
  const std::lock_guard lock(mutex_);
  if (transports_.contains(id) || transports_.size() >= settings_.transport_limit) return {};
  transports_.emplace(id, Entry{&io, transport});
  return id;
}

void LongPollService::remove(const std::string& id, const LongPollTransport* transport) const {
  std::shared_ptr<LongPollTransport> kept;  // destroyed without the lock
  const std::lock_guard lock(mutex_);
  const auto at = transports_.find(id);
  if (at == transports_.end() || at->second.transport.get() != transport) return;
  kept = at->second.transport;
  transports_.erase(at);
}

void LongPollService::pass_on(const std::shared_ptr<HttpExchange>& exchange, std::string_view id,
                              std::string_view operation) const {
  using Operation = void (LongPollTransport::*)(const LongPollRequest&);
  Operation run = nullptr;
  if (operation == "send") run = &LongPollTransport::send;
  if (operation == "receive") run = &LongPollTransport::receive;
  if (operation == "close") run = &LongPollTransport::close;
  base::IoThread* io = nullptr;
  std::weak_ptr<LongPollTransport> weak;
  {
    const std::lock_guard lock(mutex_);
    const auto at = transports_.find(id);
    if (at != transports_.end()) {
      io = at->second.io;
      weak = at->second.transport;
    }
  }
  if (io == nullptr) return refuse(*exchange, 404, "there is no transport of this name");
  if (run == nullptr && !operation.empty()) return refuse(*exchange, 404, "there is no such operation of a transport");
  if (operation == "receive") {
    exchange->on_abandoned([io, weak, gone = std::weak_ptr(exchange)] {
      io->post([weak, gone] {
        if (const auto transport = weak.lock()) transport->forget_poll(gone);
      });
    });
  }
  const LongPollRequest request(exchange);
  // No more than a weak reference travels: a transport must be destroyed on its own thread.
  const auto task = [weak, request, run, name = std::string(id)] {
    const auto transport = weak.lock();
    if (!transport) {
      return request.respond(longpoll_response(request.request(), 404, kText, "the transport is gone\n"));
    }
    if (run == nullptr) return transport->show(request, name);
    ((*transport).*run)(request);
  };
  if (io->is_current()) return task();
  io->post(task);
}

}  // namespace crosspoint::transports
