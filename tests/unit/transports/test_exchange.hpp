#pragma once

#include <unistd.h>

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "transports/http_service.hpp"
#include "transports/url.hpp"

namespace crosspoint::test {

/// A request to a service, and what it answered.
class TestExchange final : public transports::HttpExchange {
 public:
  const transports::HttpRequest& request() const override { return request_; }
  void respond(transports::HttpResponse response) override {
    status = response.status;
    for (const auto& [name, value] : response.headers) headers[name] = value;
    body = response.body;
    if (response.file.fd >= 0) {
      body.resize(response.file.size);
      const auto got = ::pread(response.file.fd, body.data(), body.size(), static_cast<off_t>(response.file.offset));
      body.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    }
  }
  void upgrade(transports::HttpResponse,
               const std::function<std::unique_ptr<transports::Protocol>(transports::Stream&)>&) override {}
  void start(transports::HttpResponse head, std::optional<std::uint64_t>) override { respond(std::move(head)); }
  void write(std::string_view part) override { body += part; }
  void finish() override {}
  void break_off(std::string_view) override { status = 0; }
  std::size_t queued() const override { return 0; }
  void on_writable(std::function<void()>) override {}
  void on_abandoned(std::function<void()>) override {}
  transports::Stream* stream() override { return nullptr; }

  /// Asks `service` for a target.
  static std::shared_ptr<TestExchange> ask(const transports::HttpService& service, const std::string& target,
                                           std::map<std::string, std::string> headers = {},
                                           const std::string& method = "GET") {
    auto exchange = std::make_shared<TestExchange>();
    exchange->request_.method = method;
    exchange->request_.target = target;
    transports::split_target(target, exchange->request_.path, exchange->request_.query);
    for (auto& [name, value] : headers) exchange->request_.headers.emplace_back(name, value);
    service.handle(exchange, std::string_view(exchange->request_.path).substr(1));
    return exchange;
  }

  unsigned status = 0;
  std::map<std::string, std::string> headers;
  std::string body;

 private:
  transports::HttpRequest request_;
};

}  // namespace crosspoint::test
