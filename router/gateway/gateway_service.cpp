#include "gateway/gateway_service.hpp"

#include <utility>

#include "base/log.hpp"
#include "gateway/connect_call.hpp"
#include "serializers/reader.hpp"
#include "serializers/value.hpp"
#include "transports/stream.hpp"
#include "transports/websocket_protocol.hpp"
#include "transports/websocket_upgrade.hpp"

namespace crosspoint::gateway {

using transports::HttpResponse;
using transports::Stream;

namespace {

/// Text if it is UTF-8, else bytes.
nlohmann::json body_value(const std::string& body) {
  if (serializers::is_utf8(body)) return body;
  return nlohmann::json::binary({body.begin(), body.end()});
}

}  // namespace

/// A request while the worker is asked.
struct GatewayService::Request {
  std::shared_ptr<transports::HttpExchange> exchange;
  transports::WebSocketUpgrade upgrade;
  std::shared_ptr<Client> client;
  ConnectDecision decision;
};

void GatewayService::handle(std::shared_ptr<transports::HttpExchange> exchange, std::string_view rest) const {
  const transports::HttpRequest& http = exchange->request();
  Stream* stream = exchange->stream();
  if (stream == nullptr) return;
  const settings::Gateway::Procedures& procedures = route_.settings.procedures;
  if (!procedures.request.empty() && (procedures.message.empty() || !transports::is_upgrade(http))) {
    return answer_request(std::move(exchange), rest);
  }
  if (!transports::is_upgrade(http)) {
    HttpResponse response = HttpResponse::text(426, "this is a WebSocket endpoint\n");
    response.set("Upgrade", "websocket");
    response.set("Connection", "Upgrade");
    return exchange->respond(std::move(response));
  }
  if (closed_.load(std::memory_order_relaxed)) {
    return exchange->respond(HttpResponse::text(503, "the router is shutting down\n"));
  }
  auto request = std::make_shared<Request>();
  request->upgrade = transports::negotiate_plain_upgrade(http, route_.settings.options, route_.settings.subprotocols);
  if (!request->upgrade.accepted()) {
    log::info("{}: WebSocket refused: {}", stream->peer_address(), request->upgrade.response.body);
    return exchange->respond(std::move(request->upgrade.response));
  }
  HubPart& part = route_.hub.part(stream->io().index());
  request->exchange = std::move(exchange);
  request->client = std::make_shared<Client>(part, route_, part.next_number(), stream->peer_address());
  if (route_.settings.procedures.connect.empty()) return accept(*request);
  ask_worker(std::move(request), part, rest);
}

void GatewayService::ask_worker(std::shared_ptr<Request> request, HubPart& part, std::string_view rest) const {
  std::string arguments = "[" + request->client->introduction().json + ",";
  serializers::append_value(wamp::Encoding::json,
                            describe_request(request->exchange->request(), rest,
                                             request->exchange->stream()->peer_address(), request->upgrade.subprotocol),
                            arguments);
  arguments += "]";
  part.service(route_).call(route_.settings.procedures.connect, arguments,
                            std::chrono::seconds(route_.settings.timeout),
                            [this, request](const connection::Service::Answer& answer) { decide(*request, answer); });
}

void GatewayService::answer_request(std::shared_ptr<transports::HttpExchange> exchange, std::string_view rest) const {
  const Stream& stream = *exchange->stream();
  HubPart& part = route_.hub.part(exchange->stream()->io().index());
  nlohmann::json told = describe_request(exchange->request(), rest, stream.peer_address(), {});
  told["body"] = body_value(exchange->request().body);
  std::string arguments = "[";
  serializers::append_value(wamp::Encoding::json, told, arguments);
  arguments += "]";
  part.service(route_).call(route_.settings.procedures.request, arguments,
                            std::chrono::seconds(route_.settings.timeout),
                            [this, &part, exchange](const connection::Service::Answer& answer) {
                              std::string problem;
                              HttpResponse response = read_response(answer, problem);
                              if (!problem.empty()) {
                                ++part.counters(route_).failed;
                                log::info("route \"{}\": a request failed: {}", route_.settings.route, problem);
                              }
                              exchange->respond(std::move(response));
                            });
}

void GatewayService::decide(Request& request, const connection::Service::Answer& answer) const {
  request.decision = read_answer(answer);
  ConnectDecision& decision = request.decision;
  if (decision.status == 101) {
    if (request.exchange->stream() == nullptr) {
      return request.client->abandon("the client left before it was accepted");
    }
    return accept(request);
  }
  ++request.client->counters().refused;
  log::info("route \"{}\": connection {} refused with status {}: {}", route_.settings.route, request.client->id(),
            decision.status, decision.reason);
  HttpResponse response = HttpResponse::text(
      decision.status,
      decision.body.empty() ? std::string(transports::status_text(decision.status)) + "\n" : std::move(decision.body));
  for (auto& [name, value] : decision.headers) response.set(std::move(name), std::move(value));
  response.close = true;
  request.exchange->respond(std::move(response));
  if (!decision.worker_done) request.client->abandon("it was refused for want of an answer");
}

void GatewayService::accept(Request& request) const {
  HttpResponse response = std::move(request.upgrade.response);
  for (auto& [name, value] : request.decision.headers) response.set(std::move(name), std::move(value));
  transports::WebSocketSession session;
  session.deflate = std::move(request.upgrade.deflate);
  session.info.framing = "websocket";
  session.info.subprotocol = request.upgrade.subprotocol;
  Stream& connection = *request.exchange->stream();
  connection.describe(session.info);
  request.exchange->upgrade(std::move(response), [&](Stream& stream) {
    auto protocol =
        std::make_unique<transports::WebSocketProtocol>(stream, route_.settings.options, std::move(session));
    protocol->open(
        [&](transports::PlainPort& port) { return request.client->open(port, std::move(request.decision.principal)); });
    return protocol;
  });
  connection.offer_again();  // what came while the worker was asked
}

}  // namespace crosspoint::gateway
