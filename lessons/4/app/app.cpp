// The app of lesson 4: users with passwords, and the tokens with which they sign in at the router.

#include "common/app.hpp"
#include "common/log.hpp"
#include "common/users.hpp"

using workshop::HttpRefusal;

namespace {

// Shows that the app is there.
void greet(const httplib::Request& request, httplib::Response& response) {
  response.set_content("Hello, " + request.matches[1].str() + "\n", "text/plain; charset=utf-8");
}

void add_user(const httplib::Request& request, httplib::Response& response) {
  const auto name = workshop::proper_name(workshop::needed(workshop::json_body(request), "name"));
  if (!name) throw HttpRefusal(400, "a name has 1 to 64 bytes and no control characters");
  const auto added = workshop::add_user(*name);
  if (!added) throw HttpRefusal(409, "there is a user of that name already");
  workshop::answer(response, 201, {{"name", *name}, {"password", added->password}, {"token", added->token}});
}

void log_in(const httplib::Request& request, httplib::Response& response) {
  const workshop::Json body = workshop::json_body(request);
  const auto token = workshop::log_in(workshop::needed(body, "name"), workshop::needed(body, "password"));
  if (!token) throw HttpRefusal(401, "wrong name or password");
  workshop::answer(response, 200, {{"token", *token}});
}

// The authenticator asks this. It gives a token to whoever asks, and so is for our own programs only.
void tell_token(const httplib::Request& request, httplib::Response& response) {
  const auto token = workshop::token_of(request.get_param_value("name"));
  if (!token) throw HttpRefusal(404, "there is no user of that name");
  response.set_content(*token + "\n", "text/plain");
}

}  // namespace

int main() {
  workshop::set_log_name("app 4");
  workshop::App app(4);
  app.get(R"(/lesson-4/([^/]+))", greet);
  app.post("/user", add_user);
  app.post_from_pages("/login", log_in);
  app.internal_get("/auth", tell_token);
  return app.run();
}
