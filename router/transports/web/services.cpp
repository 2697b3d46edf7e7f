#include "transports/web/services.hpp"

#include <fmt/core.h>

namespace crosspoint::transports::web {
namespace {

class NoService final : public HttpService {
 public:
  void handle(std::shared_ptr<HttpExchange> exchange, std::string_view) const override {
    exchange->respond(not_found(exchange->request()));
  }
};

struct Make {
  const ServiceContext& context;

  std::unique_ptr<HttpService> operator()(const settings::NoService&) const { return std::make_unique<NoService>(); }
  std::unique_ptr<HttpService> operator()(const settings::WebSocket& s) const { return make_websocket(s, context); }
  std::unique_ptr<HttpService> operator()(const settings::Gateway& s) const { return context.make_gateway(s); }
  std::unique_ptr<HttpService> operator()(const settings::StaticFiles& s) const { return make_static_files(s); }
  std::unique_ptr<HttpService> operator()(const settings::Archive& s) const { return make_archive(s, context); }
  std::unique_ptr<HttpService> operator()(const settings::Cgi& s) const { return make_cgi(s, context); }
  std::unique_ptr<HttpService> operator()(const settings::Upload& s) const { return make_upload(s, context); }
  std::unique_ptr<HttpService> operator()(const settings::JsonValue& s) const { return make_json(s); }
  std::unique_ptr<HttpService> operator()(const settings::Redirect& s) const { return make_redirect(s); }
  std::unique_ptr<HttpService> operator()(const settings::NodeInfo&) const { return make_node_info(context); }
  std::unique_ptr<HttpService> operator()(const settings::PathService& s) const { return make_paths(s.paths, context); }
  std::unique_ptr<HttpService> operator()(const settings::Publisher& s) const { return make_publisher(s, context); }
  std::unique_ptr<HttpService> operator()(const settings::Caller& s) const { return make_caller(s, context); }
  std::unique_ptr<HttpService> operator()(const settings::Webhook& s) const { return make_webhook(s, context); }
  std::unique_ptr<HttpService> operator()(const settings::LongPoll& s) const { return make_longpoll(s, context); }
  std::unique_ptr<HttpService> operator()(const settings::ReverseProxy& s) const { return make_reverse_proxy(s); }
  std::unique_ptr<HttpService> operator()(const settings::UnsupportedService&) const { return nullptr; }
};

}  // namespace

std::unique_ptr<HttpService> make_service(const settings::WebService& settings, const ServiceContext& context) {
  return std::visit(Make{context}, settings);
}

std::string escape_html(std::string_view text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      default:
        result.push_back(c);
    }
  }
  return result;
}

bool is_safe_path(std::string_view path) {
  while (!path.empty()) {
    const auto slash = path.find('/');
    const std::string_view component = path.substr(0, slash);
    if (component == "." || component == ".." || component.find('\0') != std::string_view::npos) return false;
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
  }
  return true;
}

HttpResponse not_found(const HttpRequest& request) {
  return HttpResponse::html(404, fmt::format("<!DOCTYPE html>\n<html><head><title>404 Not Found</title></head>"
                                             "<body><h1>404 Not Found</h1><p>There is nothing at {}.</p>"
                                             "<p>Crosspoint</p></body></html>\n",
                                             escape_html(request.path)));
}

HttpResponse method_not_allowed(std::string_view allowed) {
  HttpResponse response = HttpResponse::text(405, "method not allowed\n");
  response.set("Allow", std::string(allowed));
  return response;
}

void allow_cross_origin(const HttpRequest& request, HttpResponse& response) {
  const std::string_view origin = request.header("origin");
  response.set("Access-Control-Allow-Origin", origin.empty() || origin == "null" ? "*" : std::string(origin));
  response.set("Access-Control-Allow-Credentials", "true");
  const std::string_view headers = request.header("access-control-request-headers");
  if (!headers.empty()) response.set("Access-Control-Allow-Headers", std::string(headers));
}

}  // namespace crosspoint::transports::web
