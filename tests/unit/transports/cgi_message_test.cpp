#include <catch2/catch.hpp>

#include <stdlib.h>

#include <algorithm>

#include "transports/web/cgi_message.hpp"

using namespace crosspoint::transports;
using namespace crosspoint::transports::web;

namespace {

HttpRequest request() {
  HttpRequest request;
  request.method = "POST";
  request.target = "/cgi/a%20b/more?x=1";
  request.path = "/cgi/a b/more";
  request.query = "x=1";
  request.body = "12345";
  request.headers = {{"host", "example.org:8080"},
                     {"content-type", "text/plain"},
                     {"content-length", "5"},
                     {"accept", "a"},
                     {"accept", "b"},
                     {"proxy", "http://evil/"},
                     {"x_forwarded_for", "somewhere"},
                     {"x-thing", "y"}};
  return request;
}

std::vector<std::string> environment(const HttpRequest& request, bool secure = false) {
  return cgi_environment(request, {"Crosspoint", "tcp4:127.0.0.1:8080", "tcp4:10.1.2.3:4567", secure}, "/s/a b",
                         "/cgi/a b", "/more");
}

bool has(const std::vector<std::string>& all, const std::string& entry) {
  return std::find(all.begin(), all.end(), entry) != all.end();
}

bool names(const std::vector<std::string>& all, const std::string& name) {
  return std::any_of(all.begin(), all.end(), [&](const auto& entry) { return entry.starts_with(name + "="); });
}

}  // namespace

TEST_CASE("a CGI script gets the variables of RFC 3875, 4.1") {
  const auto all = environment(request());
  for (const char* entry :
       {"GATEWAY_INTERFACE=CGI/1.1", "REQUEST_METHOD=POST", "QUERY_STRING=x=1", "SCRIPT_NAME=/cgi/a b",
        "PATH_INFO=/more", "CONTENT_TYPE=text/plain", "CONTENT_LENGTH=5", "SERVER_NAME=example.org", "SERVER_PORT=8080",
        "SERVER_PROTOCOL=HTTP/1.1", "SERVER_SOFTWARE=Crosspoint", "REMOTE_ADDR=10.1.2.3", "SCRIPT_FILENAME=/s/a b",
        "REQUEST_URI=/cgi/a%20b/more?x=1", "HTTP_X_THING=y", "HTTP_ACCEPT=a, b"}) {
    INFO(entry);
    REQUIRE(has(all, entry));
  }
  REQUIRE_FALSE(names(all, "HTTPS"));
  REQUIRE(has(environment(request(), true), "HTTPS=on"));
  REQUIRE_FALSE(names(all, "HTTP_CONTENT_LENGTH"));
}

TEST_CASE("a CGI script gets neither the node's own environment nor headers that pose as something else") {
  ::setenv("CROSSPOINT_TEST_SECRET", "secret", 1);
  ::setenv("PATH", "/usr/bin", 0);
  const auto all = environment(request());
  REQUIRE(names(all, "PATH"));
  REQUIRE_FALSE(names(all, "CROSSPOINT_TEST_SECRET"));
  REQUIRE_FALSE(names(all, "HTTP_PROXY"));
  REQUIRE_FALSE(names(all, "HTTP_X_FORWARDED_FOR"));
  REQUIRE(std::count_if(all.begin(), all.end(), [](const auto& e) { return e.starts_with("HTTP_ACCEPT="); }) == 1);
}

TEST_CASE("the head of a script's answer may come in any pieces") {
  const std::string output = "Status: 418 Teapot\r\nContent-Type: text/plain\nX-A: b\r\n\r\nbody\n\nmore";
  for (std::size_t size = 1; size <= output.size(); ++size) {
    CgiHead head;
    std::string body;
    bool done = false;
    for (std::size_t at = 0; at < output.size(); at += size) {
      const std::string part = output.substr(at, size);
      if (done) {
        body += part;
        continue;
      }
      const auto state = head.feed(part);
      REQUIRE(state != CgiHead::State::bad);
      if (state == CgiHead::State::done) {
        done = true;
        body = head.rest();
      }
    }
    REQUIRE(done);
    REQUIRE(body == "body\n\nmore");
    REQUIRE(head.response().status == 418);
    REQUIRE(head.response().headers ==
            std::vector<std::pair<std::string, std::string>>{{"Content-Type", "text/plain"}, {"X-A", "b"}});
  }
}

TEST_CASE("a script may say no more than where to go") {
  CgiHead head;
  REQUIRE(head.feed("Location: http://elsewhere/\n\n") == CgiHead::State::done);
  REQUIRE(head.response().status == 302);
}

TEST_CASE("a script has no say in what belongs to the connection") {
  CgiHead head;
  REQUIRE(head.feed("Content-Length: 7\nTransfer-Encoding: chunked\nConnection: close\nA: b\n\n") ==
          CgiHead::State::done);
  REQUIRE(head.response().headers == std::vector<std::pair<std::string, std::string>>{{"A", "b"}});
}

TEST_CASE("output that is no answer is refused") {
  for (const std::string output :
       {"hello\n\n", "\n", "\r\n\r\n", "a b: c\n\n", ": c\n\n", "Status: 99 x\n\n", "Status: abc\n\n", "Status:\n\n",
        "A: b\x01\n\n", "Status: 101 Switching Protocols\n\n"}) {
    INFO(output);
    CgiHead head;
    REQUIRE(head.feed(output) == CgiHead::State::bad);
  }
}

TEST_CASE("a head that does not end is refused") {
  CgiHead one;
  REQUIRE(one.feed("A: " + std::string(40'000, 'x')) == CgiHead::State::bad);
  CgiHead many;
  auto state = CgiHead::State::more;
  for (int i = 0; i < 10'000 && state == CgiHead::State::more; ++i) state = many.feed("Connection: x\n");
  REQUIRE(state == CgiHead::State::bad);
}
