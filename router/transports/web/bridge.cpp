#include "transports/web/bridge.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <chrono>

#include "base/bytes.hpp"
#include "serializers/json_reader.hpp"
#include "serializers/value.hpp"
#include "transports/address.hpp"
#include "transports/message_port.hpp"
#include "transports/stream.hpp"
#include "transports/web/services.hpp"
#include "transports/web/signed_request.hpp"

namespace crosspoint::transports::web {
namespace {

using nlohmann::json;

std::string trimmed_lower(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0) text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) text.remove_suffix(1);
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

/// "application/json; charset=utf-8" taken apart. False if the parameters are malformed or one comes twice.
bool parse_content_type(std::string_view header, std::string& type, std::string& charset) {
  auto end = header.find(';');
  type = trimmed_lower(header.substr(0, end));
  std::vector<std::string> seen;
  while (end != std::string_view::npos) {
    header.remove_prefix(end + 1);
    end = header.find(';');
    const std::string parameter = trimmed_lower(header.substr(0, end));
    const auto equals = parameter.find('=');
    if (equals == std::string::npos) continue;
    const std::string name = trimmed_lower(std::string_view(parameter).substr(0, equals));
    if (parameter.find('=', equals + 1) != std::string::npos) return false;
    if (std::find(seen.begin(), seen.end(), name) != seen.end()) return false;
    seen.push_back(name);
    if (name == "charset") charset = trimmed_lower(std::string_view(parameter).substr(equals + 1));
  }
  return true;
}

}  // namespace

bool parse_json(std::string_view text, json& out) {
  serializers::Scratch scratch;
  serializers::JsonReader reader(base::as_bytes(text), scratch);
  reader.skip();
  // The binary strings of WAMP's JSON are not taken for what they stand for: they go into a message in JSON as they
  // are.
  if (!reader.ok() || !reader.at_end()) return false;
  out = json::parse(text, nullptr, false);
  return !out.is_discarded();
}

namespace {

/// The name of a request's field, if it is there and stands for something: Crossbar takes null and the like for
/// nothing.
const json* find_field(const json& body, const char* name) {
  const auto at = body.find(name);
  if (at == body.end() || at->is_null() || *at == json(false) || *at == json("") || *at == json(0)) return nullptr;
  return &*at;
}

}  // namespace

HttpResponse bridge_response(const HttpRequest& request, unsigned status, std::string body) {
  HttpResponse response;
  response.status = status;
  allow_cross_origin(request, response);
  response.set("Cache-Control", "no-store,no-cache,must-revalidate,max-age=0");
  response.set("Content-Type", "application/json; charset=UTF-8");
  response.body = std::move(body);
  return response;
}

HttpResponse bridge_refusal(const HttpRequest& request, unsigned status, std::string_view problem) {
  std::string body = "{\"error\":";
  wamp::append_json_string(body, problem);
  return bridge_response(request, status, body + ",\"args\":[],\"kwargs\":{}}");
}

HttpResponse bridge_error(const HttpRequest& request, const BridgeSession::Answer& answer) {
  std::string body = "{\"error\":";
  wamp::append_json_string(body, answer.error);
  body += ",\"args\":";
  serializers::append_value(wamp::Encoding::json, answer.arguments, body);
  body += ",\"kwargs\":";
  serializers::append_value(wamp::Encoding::json, answer.keyword_arguments, body);
  return bridge_response(request, 200, body + "}");
}

std::string_view read_payload(const json& body, std::string& payload) {
  const json* arguments = find_field(body, "args");
  const json* keywords = find_field(body, "kwargs");
  if (arguments != nullptr && !arguments->is_array()) return "\"args\" must be a list";
  if (keywords != nullptr && !keywords->is_object()) return "\"kwargs\" must be an object";
  if (arguments != nullptr || keywords != nullptr) payload = "," + (arguments != nullptr ? arguments->dump() : "[]");
  if (keywords != nullptr) payload += "," + keywords->dump();
  return {};
}

Bridge::Bridge(BridgeSession& session, settings::BridgeOptions options, bool json)
    : session_(session),
      options_(std::move(options)),
      json_(json),
      replays_(std::chrono::seconds(options_.timestamp_delta_limit)) {}

std::string Bridge::check_headers(const HttpRequest&) const { return {}; }

void Bridge::handle(std::shared_ptr<HttpExchange> exchange, std::string_view) const {
  const HttpRequest& request = exchange->request();
  Stream* stream = exchange->stream();
  if (stream == nullptr) return;
  if (request.method == "OPTIONS") {
    HttpResponse response = bridge_response(request, 200, "");
    response.set("Allow", "POST,PUT,OPTIONS");
    response.set("Access-Control-Allow-Methods", "POST,PUT,OPTIONS");
    return exchange->respond(std::move(response));
  }
  if (request.method != "POST" && request.method != "PUT") {
    HttpResponse response =
        bridge_refusal(request, 405, fmt::format("method {} is not allowed, only POST, PUT", request.method));
    response.set("Allow", "POST,PUT,OPTIONS");
    return exchange->respond(std::move(response));
  }
  json body;
  if (auto refusal = check(*exchange, *stream, body)) return exchange->respond(std::move(*refusal));
  process(exchange, std::move(body));
}

std::optional<HttpResponse> Bridge::check(const HttpExchange& exchange, Stream& stream, json& body) const {
  const HttpRequest& request = exchange.request();
  if (auto refusal = check_content(request)) return refusal;
  if (const std::string problem = check_headers(request); !problem.empty()) {
    return bridge_refusal(request, 400, problem);
  }
  if (auto refusal = check_signature(request)) return refusal;
  if (!options_.require_ip.empty()) {
    const std::string ip = ip_of(stream.peer_address());
    const auto& networks = options_.require_ip;
    if (std::none_of(networks.begin(), networks.end(), [&](const auto& network) { return network.contains(ip); })) {
      return bridge_refusal(request, 400, "requests from this IP address are denied");
    }
  }
  if (options_.require_tls) {
    TransportInfo info;
    stream.describe(info);
    if (!info.secure) return bridge_refusal(request, 400, "requests without TLS are denied");
  }
  if (!serializers::is_utf8(request.body)) return bridge_refusal(request, 400, "the body is not UTF-8");
  if (!json_) return std::nullopt;
  if (!parse_json(request.body, body)) return bridge_refusal(request, 400, "the body is not JSON");
  if (!body.is_object()) return bridge_refusal(request, 400, "the body must be a JSON object");
  return std::nullopt;
}

std::optional<HttpResponse> Bridge::check_content(const HttpRequest& request) const {
  std::string type;
  std::string charset = "utf-8";
  const std::string_view header = request.header("content-type");
  const bool good = header.empty() || parse_content_type(header, type, charset);
  if (json_ && !header.empty() && type != "application/json") {
    return bridge_refusal(request, 400, fmt::format("the content type must be application/json, not {}", type));
  }
  if (!good || (charset != "utf-8" && charset != "utf8")) {
    return bridge_refusal(request, 400, "the body's encoding must be UTF-8");
  }
  const auto lengths = std::count_if(request.headers.begin(), request.headers.end(),
                                     [](const auto& field) { return field.first == "content-length"; });
  if (lengths > 1) return bridge_refusal(request, 400, "there is more than one Content-Length header");
  if (options_.post_body_limit > 0 && request.body.size() > options_.post_body_limit) {
    return bridge_refusal(
        request, 413,
        fmt::format("a body of {} bytes is too long: the limit is {}", request.body.size(), options_.post_body_limit));
  }
  return std::nullopt;
}

std::optional<HttpResponse> Bridge::check_signature(const HttpRequest& request) const {
  const auto parameters = parse_query(request.query);
  if (!parameters) return bridge_refusal(request, 400, "the query is malformed");
  const auto now = std::chrono::system_clock::now();
  const auto check = web::check_signature(*parameters, request.body, options_.key, options_.secret,
                                          std::chrono::seconds(options_.timestamp_delta_limit), now);
  if (check.status != 200) return bridge_refusal(request, check.status, check.problem);
  if (options_.secret.empty()) return std::nullopt;
  switch (replays_.admit(check.digest, check.timestamp, now)) {
    case ReplayGuard::Verdict::replayed:
      return bridge_refusal(request, 401, "the request has been sent before");
    case ReplayGuard::Verdict::full:
      return bridge_refusal(request, 503, "more signed requests than can be remembered: try again later");
    case ReplayGuard::Verdict::fresh:
      break;
  }
  return std::nullopt;
}

BridgeSession::Callback Bridge::when_answered(const std::shared_ptr<HttpExchange>& exchange, Respond respond) const {
  return [exchange, respond = std::move(respond)](const BridgeSession::Answer& answer) {
    exchange->respond(respond(exchange->request(), answer));
  };
}

void Bridge::await(const std::shared_ptr<HttpExchange>& exchange, std::string_view problem, std::uint64_t id) const {
  if (!problem.empty()) return exchange->respond(bridge_refusal(exchange->request(), 400, problem));
  base::IoThread& io = exchange->stream()->io();
  exchange->on_abandoned([this, &io, id] { session_.abandon(io, id); });
}

void Bridge::publish(const std::shared_ptr<HttpExchange>& exchange, std::string_view topic, std::string_view options,
                     std::string_view payload, Respond respond) const {
  std::uint64_t id = 0;
  const auto problem = session_.publish(exchange->stream()->io(), topic, options, payload,
                                        when_answered(exchange, std::move(respond)), id);
  await(exchange, problem, id);
}

void Bridge::call(const std::shared_ptr<HttpExchange>& exchange, std::string_view procedure, std::string_view payload,
                  Respond respond) const {
  std::uint64_t id = 0;
  const auto problem =
      session_.call(exchange->stream()->io(), procedure, payload, when_answered(exchange, std::move(respond)), id);
  await(exchange, problem, id);
}

}  // namespace crosspoint::transports::web
