#include <catch2/catch.hpp>

#include "test_exchange.hpp"
#include "transports/universal_protocol.hpp"

using namespace crosspoint;
using namespace crosspoint::transports;
using test::TestExchange;

namespace {

/// Answers with its name and what is left of the path.
class Named final : public HttpService {
 public:
  explicit Named(std::string name) : name_(std::move(name)) {}
  void handle(std::shared_ptr<HttpExchange> exchange, std::string_view rest) const override {
    exchange->respond(HttpResponse::text(200, name_ + "|" + std::string(rest)));
  }

 private:
  std::string name_;
};

std::string answer(const HttpService& service, const std::string& target) {
  const auto exchange = TestExchange::ask(service, target);
  return exchange->status == 200 ? exchange->body : std::to_string(exchange->status);
}

}  // namespace

TEST_CASE("a universal transport finds WebSockets by the first component of the path that is not empty") {
  UniversalService service;
  service.add("ws", std::make_unique<Named>("ws"));
  service.add("", std::make_unique<Named>("root"));
  service.set_web(std::make_unique<Named>("web"));
  REQUIRE(answer(service, "/ws") == "ws|");
  REQUIRE(answer(service, "/ws?x=1") == "ws|");
  REQUIRE(answer(service, "//ws") == "ws|");
  REQUIRE(answer(service, "/ws/a/b") == "ws|a/b");
  REQUIRE(answer(service, "/") == "root|");
  REQUIRE(answer(service, "///") == "root|");
  REQUIRE(answer(service, "/wsx") == "web|wsx");
  REQUIRE(answer(service, "/a/ws") == "web|a/ws");
}

TEST_CASE("a universal transport without a web has nothing else") {
  UniversalService service;
  service.add("ws", std::make_unique<Named>("ws"));
  REQUIRE(answer(service, "/ws") == "ws|");
  REQUIRE(answer(service, "/") == "404");
  REQUIRE(answer(service, "/other") == "404");
}
