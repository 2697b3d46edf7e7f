// Lesson 6, finished: the authenticator of lesson 5, with its parts in files of their own.

#include <memory>

#include "auth.hpp"
#include "listener.hpp"

using workshop::terminal_log;

int main(int argc, char** argv) {
  workshop::set_log_name("authenticator");
  if (argc != 5) {
    terminal_log("Usage: authenticator URL REALM USER SECRET");
    return 2;
  }
  workshop::Redis redis;
  std::unique_ptr<Listener> listener;
  workshop::Worker worker({argv[1], argv[2], argv[3], argv[4]});
  worker.on_open([&](const workshop::Session& session, const workshop::Welcome& welcome) {
    terminal_log("Connection open: I have the role \"" + welcome.authrole + "\"");
    // First, so that what is allowed is also heard.
    listener = std::make_unique<Listener>(session, welcome.session, redis);
    listener->start();
    register_auth(session, redis);
    register_permissions(session);
    register_subscribers(session, redis);
  });
  return worker.run();
}
