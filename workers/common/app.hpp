#pragma once

#include <httplib.h>

#include <string>

#include "common/json.hpp"

namespace workshop {

/// The HTTP server of a lesson's app. It listens in two places: one for everybody, and one for our own programs, which
/// is bound to the loopback interface. What is registered for one is not there for the other.
class App {
 public:
  using Handler = httplib::Server::Handler;

  /// The variables APP_<lesson>_ADDRESS and APP_<lesson>_INTERNAL_ADDRESS replace 0.0.0.0:80<10 + lesson> and
  /// 127.0.0.1:90<10 + lesson>. To be made before any thread is started.
  explicit App(int lesson);

  /// For everybody.
  void get(const std::string& path, Handler handler);
  void post(const std::string& path, Handler handler);
  /// And also from the scripts of pages that come from elsewhere (CORS).
  void post_from_pages(const std::string& path, const Handler& handler);

  /// For our own programs only.
  void internal_get(const std::string& path, Handler handler);
  void internal_post(const std::string& path, Handler handler);

  /// Serves until SIGINT or SIGTERM; the exit code for main().
  int run();

 private:
  std::string address_;
  std::string internal_address_;
  httplib::Server open_;
  httplib::Server internal_;
};

/// What a handler throws to answer with an error.
class HttpRefusal : public std::runtime_error {
 public:
  HttpRefusal(int status, const std::string& text) : std::runtime_error(text), status_(status) {}
  int status() const { return status_; }

 private:
  int status_;
};

/// The request's body, which must be a JSON object and say so; else HttpRefusal.
Json json_body(const httplib::Request& request);

/// A text of the request's body that may not be missing.
std::string needed(const Json& body, const std::string& key);

void answer(httplib::Response& response, int status, const Json& body);

}  // namespace workshop
