#include <catch2/catch.hpp>

#include <nlohmann/json.hpp>

#include "transports/web/mime_types.hpp"
#include "transports/web/services.hpp"
#include "unit/transports/test_exchange.hpp"

using namespace crosspoint;
using crosspoint::test::TestExchange;
using namespace crosspoint::transports;

namespace {

web::ServiceContext context() {
  web::ServiceContext context;
  context.node_info = [] { return std::vector<std::pair<std::string, std::string>>{{"Node", "<n1>"}}; };
  return context;
}

settings::WebPath path(std::string name, settings::WebService service) { return {std::move(name), std::move(service)}; }

}  // namespace

TEST_CASE("paths lead to their services, nested ones too, and the root takes the rest") {
  settings::PathService inner{{path("leaf", settings::JsonValue{"1"}), path("/", settings::JsonValue{"2"})}};
  const auto root = web::make_paths({path("a", settings::JsonValue{"3"}), path("p", inner),
                                     path("r", settings::Redirect{"http://x/"}), path("gone", settings::NoService{})},
                                    context());
  const auto body = [&](const std::string& target) { return TestExchange::ask(*root, target)->body; };
  REQUIRE(body("/a") == "3");
  REQUIRE(body("/a/anything") == "3");
  REQUIRE(body("/p/leaf") == "1");
  REQUIRE(body("/p/") == "2");
  REQUIRE(body("/p/other") == "2");
  const auto redirect = TestExchange::ask(*root, "/r");
  REQUIRE(redirect->status == 302);
  REQUIRE(redirect->headers["Location"] == "http://x/");
  REQUIRE(TestExchange::ask(*root, "/")->status == 404);
  REQUIRE(TestExchange::ask(*root, "/gone")->status == 404);
  const auto missing = TestExchange::ask(*root, "/<script>");
  REQUIRE(missing->status == 404);
  REQUIRE(missing->body.find("/&lt;script&gt;") != std::string::npos);
}

TEST_CASE("a JSON value is served as it is configured") {
  settings::JsonValue settings{R"({"b":1,"a":[true]})"};
  const auto plain = TestExchange::ask(*web::make_json(settings), "/");
  REQUIRE(plain->body == settings.value);
  REQUIRE(plain->headers["Content-Type"] == "application/json; charset=utf-8");
  REQUIRE(plain->headers["Access-Control-Allow-Origin"] == "*");
  REQUIRE(plain->headers.count("Cache-Control") == 0);
  settings.prettify = true;
  settings.allow_cross_origin = false;
  settings.discourage_caching = true;
  const auto pretty = TestExchange::ask(*web::make_json(settings), "/");
  REQUIRE(pretty->body.find("\n   \"b\": 1") != std::string::npos);
  REQUIRE(pretty->headers.count("Access-Control-Allow-Origin") == 0);
  REQUIRE(pretty->headers["Cache-Control"].find("no-store") != std::string::npos);
  REQUIRE(TestExchange::ask(*web::make_json(settings), "/", {}, "POST")->status == 405);
}

TEST_CASE("a node's page shows what there is to know, as text") {
  const auto page = TestExchange::ask(*web::make_node_info(context()), "/");
  REQUIRE(page->status == 200);
  REQUIRE(page->body.find("&lt;n1&gt;") != std::string::npos);
}

TEST_CASE("services that are not available make no site") {
  REQUIRE(web::make_paths({path("a", settings::UnsupportedService{"caller"})}, context()) == nullptr);
}

TEST_CASE("media types go by the ending, whatever its case") {
  REQUIRE(web::mime_type(".HTML") == "text/html; charset=utf-8");
  REQUIRE(web::mime_type(".svg") == "image/svg+xml");
  REQUIRE(web::mime_type(".nothing") == "application/octet-stream");
  REQUIRE(web::mime_type("") == "application/octet-stream");
}
