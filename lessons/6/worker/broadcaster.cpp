// Lesson 6: tells everybody what the app wants to be told. The steps in lessons/6/README.md let it.

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
  worker.on_open([&](const workshop::Session& session, const workshop::Welcome& welcome) {
    terminal_log("Connection open: I have the role \"" + welcome.authrole + "\"");
  });
  return worker.run();
}
