// A page that shows what is in Redis, read only: http://localhost:5001/

#include <httplib.h>

#include <csignal>
#include <cstdlib>

#include "common/log.hpp"
#include "common/redis.hpp"

namespace {

constexpr std::size_t kMostKeys = 1000;

std::string escape(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::string rows(workshop::Redis& redis) {
  std::string html;
  for (const std::string& key : redis.keys(kMostKeys)) {
    std::string value = "(not a text)";
    try {
      value = redis.look(key).value_or("(gone)");
    } catch (const workshop::RedisError&) {
      // another kind of value, which our programs do not use
    }
    const long long lifetime = redis.lifetime(key);
    html += "<tr><td>" + escape(key) + "</td><td>" + escape(value) + "</td><td>" +
            (lifetime < 0 ? "for ever" : std::to_string(lifetime) + " s") + "</td></tr>\n";
  }
  return html;
}

std::string page(const std::string& content) {
  return "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Redis keys</title>"
         "<meta http-equiv=\"refresh\" content=\"2\">"
         "<style>:root{color-scheme:light dark;font-family:system-ui,sans-serif}table{border-collapse:collapse}"
         "td,th{text-align:left;padding:.25rem 1rem;border-bottom:1px solid #8886}</style></head>\n"
         "<body><h1>Redis keys</h1>\n" +
         content + "</body></html>\n";
}

void show(workshop::Redis& redis, httplib::Response& response) {
  std::string content;
  try {
    content = "<table><thead><tr><th>key</th><th>value</th><th>lifetime</th></tr></thead><tbody>\n" + rows(redis) +
              "</tbody></table>\n";
  } catch (const std::runtime_error& error) {
    response.status = 503;
    content = "<p>" + escape(error.what()) + "</p>\n";
  }
  response.set_content(page(content), "text/html; charset=utf-8");
}

}  // namespace

int main() {
  workshop::set_log_name("redis page");
  const std::string address = workshop::environment("REDIS_PAGE_ADDRESS", "127.0.0.1:5001");
  const std::size_t colon = address.rfind(':');
  const int port = colon == std::string::npos ? 0 : std::atoi(address.c_str() + colon + 1);
  try {
    workshop::Redis redis;
    httplib::Server server;
    server.set_socket_options([](socket_t socket) {
      const int yes = 1;
      setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    });
    server.set_keep_alive_timeout(2);
    // Anywhere below the address: the keys are all there is to see.
    server.Get("/.*", [&redis](const httplib::Request&, httplib::Response& response) { show(redis, response); });
    if (port <= 0 || !server.bind_to_port(address.substr(0, colon), port)) {
      workshop::terminal_log("Cannot listen on " + address + ": is it in use, or no address?");
      return 1;
    }
    workshop::terminal_log("Listening on " + address);
    // Read only, nothing to finish: SIGINT and SIGTERM just end it, also if a shell in the background had SIGINT
    // ignored.
    std::signal(SIGINT, SIG_DFL);
    std::signal(SIGTERM, SIG_DFL);
    return server.listen_after_bind() ? 0 : 1;
  } catch (const std::runtime_error& error) {
    workshop::terminal_log(error.what());
    return 1;
  }
}
