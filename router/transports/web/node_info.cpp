#include <fmt/core.h>

#include "transports/web/services.hpp"

namespace crosspoint::transports::web {
namespace {

/// A page that says what this node is.
class NodeInfo final : public HttpService {
 public:
  explicit NodeInfo(const ServiceContext& context) : rows_(context.node_info) {}

  void handle(std::shared_ptr<HttpExchange> exchange, std::string_view) const override {
    const HttpRequest& request = exchange->request();
    if (request.method != "GET" && request.method != "HEAD") return exchange->respond(method_not_allowed("GET, HEAD"));
    std::string page =
        "<!DOCTYPE html>\n<html><head><title>Crosspoint node</title></head>"
        "<body><h1>Crosspoint node</h1><table>\n";
    for (const auto& [name, value] : rows_()) {
      page += fmt::format("<tr><th align=\"left\">{}</th><td>{}</td></tr>\n", escape_html(name), escape_html(value));
    }
    exchange->respond(HttpResponse::html(200, page + "</table></body></html>\n"));
  }

 private:
  std::function<std::vector<std::pair<std::string, std::string>>()> rows_;
};

}  // namespace

std::unique_ptr<HttpService> make_node_info(const ServiceContext& context) {
  return std::make_unique<NodeInfo>(context);
}

}  // namespace crosspoint::transports::web
