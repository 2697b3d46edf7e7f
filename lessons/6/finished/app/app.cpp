// The app of lesson 6, finished: a message to everybody, handed to the broadcaster over ZeroMQ.

#include "common/app.hpp"
#include "common/log.hpp"
#include "common/users.hpp"
#include "common/zeromq.hpp"

using workshop::HttpRefusal;
using workshop::terminal_log;

int main() {
  workshop::set_log_name("app 6");
  workshop::App app(6);
  const std::string password = workshop::environment("BROADCAST_PASSWORD", "");
  const std::string endpoint = workshop::environment("ZMQ_BROADCAST", "tcp://127.0.0.1:9117");
  workshop::ZmqSender broadcaster("outbox-broadcasts", endpoint);
  app.post("/broadcast", [&](const httplib::Request& request, httplib::Response& response) {
    const workshop::Json body = workshop::json_body(request);
    if (password.empty()) throw HttpRefusal(503, "there is no BROADCAST_PASSWORD in the environment of the app");
    if (!workshop::same_secret(workshop::needed(body, "password"), password)) throw HttpRefusal(403, "wrong password");
    const std::string message = workshop::needed(body, "message");
    terminal_log("A broadcast: \"" + message + "\"");
    if (!broadcaster.send(message)) throw HttpRefusal(503, "too many broadcasts wait for the broadcaster already");
    response.status = 204;
  });
  return app.run();
}
