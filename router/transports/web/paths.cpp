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
    const auto slash = rest.find('/');
    const auto child = children_.find(rest.substr(0, slash));
    if (child != children_.end()) {
      return child->second->handle(std::move(exchange),
                                   slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1));
    }
    if (root_) return root_->handle(std::move(exchange), rest);
    exchange->respond(not_found(exchange->request()));
  }

 private:
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
