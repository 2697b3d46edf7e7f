// Lesson 6, finished: tells everybody what the app wants to be told.

#include <memory>
#include <string>

#include "common/wamp.hpp"
#include "common/zeromq.hpp"

using workshop::Json;
using workshop::terminal_log;

int main(int argc, char** argv) {
  workshop::set_log_name("broadcaster");
  if (argc != 5) {
    terminal_log("Usage: broadcaster URL REALM USER SECRET");
    return 2;
  }
  workshop::Worker worker({argv[1], argv[2], argv[3], argv[4]});
  std::unique_ptr<workshop::ZmqReceiver> receiver;
  worker.on_open([&](const workshop::Session& session, const workshop::Welcome& welcome) {
    terminal_log("Connection open: I have the role \"" + welcome.authrole + "\"");
    const std::string endpoint = workshop::environment("ZMQ_BROADCAST", "tcp://127.0.0.1:9117");
    receiver = std::make_unique<workshop::ZmqReceiver>(endpoint, [session](const std::string& message) {
      terminal_log("Received \"" + message + "\"");
      workshop::publish(session, "workshop.broadcast", Json::array({message}));
    });
  });
  return worker.run();
}
