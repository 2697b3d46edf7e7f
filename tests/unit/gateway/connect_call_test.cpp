#include <catch2/catch.hpp>

#include "gateway/connect_call.hpp"

using namespace crosspoint;
using namespace crosspoint::gateway;
using nlohmann::json;

namespace {

ConnectDecision decide(json value) {
  connection::Service::Answer answer;
  answer.value = std::move(value);
  return read_answer(answer);
}

ConnectDecision decide_error(std::string error, json keywords = json::object()) {
  connection::Service::Answer answer;
  answer.error = std::move(error);
  answer.message = "text";
  answer.keyword_arguments = std::move(keywords);
  return read_answer(answer);
}

}  // namespace

TEST_CASE("the worker is told all of the request") {
  transports::HttpRequest request;
  request.path = "/play/room";
  request.query = "name=a%20b+c&empty=&flag&name=second&bad=%zz";
  request.headers = {{"host", "h"}, {"x", "1"}, {"cookie", "a=1; b=x=y"}, {"x", "2"}, {"latin", "caf\xe9"}};
  const json told = describe_request(request, "room", "tcp4:1.2.3.4:5", "chat");
  REQUIRE(told["path"] == "/play/room");
  REQUIRE(told["rest"] == "room");
  REQUIRE(told["query"] == json({{"name", "a b c"}, {"empty", ""}, {"flag", ""}, {"bad", "%zz"}}));
  REQUIRE(told["query_string"] == request.query);
  REQUIRE(told["headers"]["x"] == "1, 2");
  REQUIRE(told["headers"]["latin"] == "caf?");
  REQUIRE(told["cookies"] == json({{"a", "1"}, {"b", "x=y"}}));
  REQUIRE(told["peer"] == "tcp4:1.2.3.4:5");
  REQUIRE(told["subprotocol"] == "chat");
}

TEST_CASE("the worker accepts with nothing, true or a dictionary") {
  REQUIRE(decide(nullptr).status == 101);
  REQUIRE(decide(true).status == 101);
  const auto decision = decide({{"principal", {{"name", "ann"}}},
                                {"headers", {{"X-Room", "blue"}}},
                                {"cookies",
                                 {{"plain", "1"},
                                  {"full",
                                   {{"value", "v"},
                                    {"max_age", 60},
                                    {"path", "/"},
                                    {"same_site", "Lax"},
                                    {"secure", true},
                                    {"http_only", true}}}}}});
  REQUIRE(decision.status == 101);
  REQUIRE(decision.principal == json({{"name", "ann"}}));
  using Header = std::pair<std::string, std::string>;
  REQUIRE(decision.headers ==
          std::vector<Header>{{"Set-Cookie", "full=v; HttpOnly; Max-Age=60; Path=/; SameSite=Lax; Secure"},
                              {"Set-Cookie", "plain=1"},
                              {"X-Room", "blue"}});
}

TEST_CASE("the worker refuses with false, a status or an error") {
  REQUIRE(decide(false).status == 403);
  REQUIRE(decide({{"accept", false}}).status == 403);
  const auto chosen = decide({{"accept", false}, {"status", 401}, {"body", "who?"}, {"headers", {{"X-Why", "w"}}}});
  REQUIRE(chosen.status == 401);
  REQUIRE(chosen.body == "who?");
  REQUIRE(chosen.headers.size() == 1);
  REQUIRE(decide({{"status", 429}}).status == 429);
  REQUIRE(decide_error("com.example.error").status == 500);
  REQUIRE(decide_error("com.example.error", {{"status", 418}}).status == 418);
  REQUIRE(decide_error("com.example.error", {{"status", 200}}).status == 500);
  REQUIRE(decide_error("wamp.error.not_authorized").status == 403);
  REQUIRE(decide_error("wamp.error.no_such_procedure").status == 503);
  const auto late = decide_error("wamp.error.timeout");
  REQUIRE(late.status == 504);
  REQUIRE_FALSE(late.worker_done);
}

TEST_CASE("responses to requests are what the worker says, with the type of the body") {
  const auto respond = [](json value) {
    connection::Service::Answer answer;
    answer.value = std::move(value);
    std::string problem;
    auto response = read_response(answer, problem);
    REQUIRE(problem.empty() == (response.status != 500));
    return response;
  };
  using Header = std::pair<std::string, std::string>;
  const auto value = respond({{"body", {1, 2}}});
  REQUIRE(value.status == 200);
  REQUIRE(value.body == "[1,2]");
  REQUIRE(value.headers == std::vector<Header>{{"Content-Type", "application/json; charset=utf-8"}});
  REQUIRE(respond({{"body", "x"}}).headers[0].second == "text/plain; charset=utf-8");
  REQUIRE(respond({{"body", json::binary({0xff})}}).headers[0].second == "application/octet-stream");
  const auto page = respond({{"status", 404}, {"body", "<p>"}, {"headers", {{"content-type", "text/html"}}}});
  REQUIRE(page.status == 404);
  REQUIRE(page.headers == std::vector<Header>{{"content-type", "text/html"}});
  REQUIRE(respond({{"status", 204}, {"cookies", {{"a", "b"}}}}).headers[0].second == "a=b");
  for (const json& bad : {json(), json("text"), json{{"status", 101}}, json{{"accept", true}}, json{{"body", "\xff"}},
                          json{{"headers", {{"X", "a\nb"}}}}}) {
    INFO(bad.dump(-1, ' ', false, json::error_handler_t::replace));
    REQUIRE(respond(bad).status == 500);
  }
}

TEST_CASE("an answer that cannot be used is a refusal: nobody puts lines into our response") {
  const json bad[] = {5,
                      "yes",
                      json::array(),
                      {{"accepted", true}},
                      {{"accept", "yes"}},
                      {{"status", 200}},
                      {{"status", "403"}},
                      {{"body", 1}},
                      {{"headers", {{"X", "a\r\nY: b"}}}},
                      {{"headers", {{"X: y", "a"}}}},
                      {{"headers", {{"Connection", "close"}}}},
                      {{"headers", {{"sec-websocket-accept", "x"}}}},
                      {{"headers", {{"Content-Length", "1"}}}},
                      {{"cookies", {{"a", "b; Path=/"}}}},
                      {{"cookies", {{"a=b", "c"}}}},
                      {{"cookies", {{"a", {{"path", "/"}}}}}},
                      {{"cookies", {{"a", {{"value", "1"}, {"path", "/\n"}}}}}},
                      {{"cookies", {{"a", {{"value", "1"}, {"expires", "never"}}}}}}};
  for (const json& answer : bad) {
    INFO(answer.dump());
    const auto decision = decide(answer);
    REQUIRE(decision.status == 500);
    REQUIRE(decision.headers.empty());
    REQUIRE(decision.reason.starts_with("the worker's answer cannot be used: "));
    REQUIRE_FALSE(decision.worker_done);
  }
}
