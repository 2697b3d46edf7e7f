#include <nlohmann/json.hpp>

#include "transports/web/services.hpp"

namespace crosspoint::transports::web {
namespace {

/// A fixed JSON value.
class Json final : public HttpService {
 public:
  explicit Json(const settings::JsonValue& settings) : settings_(settings), body_(settings.value) {
    if (settings.prettify) body_ = nlohmann::ordered_json::parse(settings.value).dump(3);
  }

  void handle(std::shared_ptr<HttpExchange> exchange, std::string_view) const override {
    const HttpRequest& request = exchange->request();
    if (request.method != "GET" && request.method != "HEAD") return exchange->respond(method_not_allowed("GET, HEAD"));
    HttpResponse response;
    response.set("Content-Type", "application/json; charset=utf-8");
    if (settings_.allow_cross_origin) allow_cross_origin(request, response);
    if (settings_.discourage_caching) {
      response.set("Cache-Control", "no-store, no-cache, must-revalidate, max-age=0");
    }
    response.body = body_;
    exchange->respond(std::move(response));
  }

 private:
  settings::JsonValue settings_;
  std::string body_;
};

}  // namespace

std::unique_ptr<HttpService> make_json(const settings::JsonValue& settings) { return std::make_unique<Json>(settings); }

}  // namespace crosspoint::transports::web
