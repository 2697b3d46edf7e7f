#include <map>

#include "transports/web/services.hpp"

namespace crosspoint::transports::web {
namespace {

/// Services by the first component of the path; "/" takes what no other one does.
class Paths final : public HttpService {
 public:
  void add(const std::string& path, std::unique_ptr<HttpService> service) {
    (path == "/" ? root_ : children_[path]) = std::move(service);
  }

  void handle(std::shared_ptr<HttpExchange> exchange, std::string_view rest) const override {
    const auto [service, below] = find(rest);
    if (service != nullptr) return service->handle(std::move(exchange), below);
    exchange->respond(not_found(exchange->request()));
  }

  std::size_t body_limit(std::string_view rest) const override {
    const auto [service, below] = find(rest);
    return service != nullptr ? service->body_limit(below) : HttpService::body_limit(rest);
  }

 private:
  /// The service for a path, and what is left of the path for it. nullptr if there is none.
  std::pair<const HttpService*, std::string_view> find(std::string_view rest) const {
    const auto slash = rest.find('/');
    const auto child = children_.find(rest.substr(0, slash));
    if (child != children_.end()) {
      return {child->second.get(), slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1)};
    }
    return {root_.get(), rest};
  }

  std::map<std::string, std::unique_ptr<HttpService>, std::less<>> children_;
  std::unique_ptr<HttpService> root_;
};

}  // namespace

std::unique_ptr<HttpService> make_paths(const std::vector<settings::WebPath>& paths, const ServiceContext& context) {
  auto service = std::make_unique<Paths>();
  for (const auto& [path, settings] : paths) {
    auto child = make_service(settings, context);
    if (!child) return nullptr;
    service->add(path, std::move(child));
  }
  return service;
}

}  // namespace crosspoint::transports::web
