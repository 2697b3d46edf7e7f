#include "transports/web/services.hpp"

namespace crosspoint::transports::web {
namespace {

class Redirect final : public HttpService {
 public:
  explicit Redirect(const settings::Redirect& settings) : url_(settings.url) {}

  void handle(std::shared_ptr<HttpExchange> exchange, std::string_view) const override {
    HttpResponse response = HttpResponse::text(302, "see " + url_ + "\n");
    response.set("Location", url_);
    exchange->respond(std::move(response));
  }

 private:
  std::string url_;
};

}  // namespace

std::unique_ptr<HttpService> make_redirect(const settings::Redirect& settings) {
  return std::make_unique<Redirect>(settings);
}

}  // namespace crosspoint::transports::web
