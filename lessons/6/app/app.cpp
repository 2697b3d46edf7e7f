// The app of lesson 6: a message to everybody who is connected to the router. The steps in lessons/6/README.md send it.

#include "common/app.hpp"
#include "common/log.hpp"
#include "common/users.hpp"

using workshop::HttpRefusal;
using workshop::terminal_log;

int main() {
  workshop::set_log_name("app 6");
  workshop::App app(6);
  const std::string password = workshop::environment("BROADCAST_PASSWORD", "");
  app.post("/broadcast", [&](const httplib::Request& request, httplib::Response& response) {
    const workshop::Json body = workshop::json_body(request);
    if (password.empty()) throw HttpRefusal(503, "there is no BROADCAST_PASSWORD in the environment of the app");
    if (!workshop::same_secret(workshop::needed(body, "password"), password)) throw HttpRefusal(403, "wrong password");
    const std::string message = workshop::needed(body, "message");
    terminal_log("A broadcast: \"" + message + "\"");
    response.status = 204;
  });
  return app.run();
}
