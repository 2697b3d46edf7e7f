// Lesson 8: a connection layer between the server of a game and its clients, all of which speak plain WebSocket.

#include <memory>

#include "connections.hpp"

using workshop::Json;
using workshop::terminal_log;

int main(int argc, char** argv) {
  workshop::set_log_name("layer");
  if (argc != 5) {
    terminal_log("Usage: layer URL REALM USER SECRET");
    return 2;
  }
  std::unique_ptr<Connections> connections;
  workshop::Worker worker({argv[1], argv[2], argv[3], argv[4]});
  worker.on_open([&](const workshop::Session& session, const workshop::Welcome&) {
    connections = std::make_unique<Connections>(session);
    workshop::provide(session, "layer.open", [&](const Json& args) -> Json {
      connections->come(workshop::text_at(args.at(0), "id"));
      return nullptr;
    });
    workshop::provide(session, "layer.message", [&](const Json& args) -> Json {
      const Json command = args.at(1).is_string() ? Json::parse(args[1].get<std::string>(), nullptr, false) : Json();
      if (command.is_object()) {
        connections->hear(workshop::text_at(args.at(0), "id"), command);
      } else {
        terminal_log("A message that is not a JSON object: " + workshop::text_of(args.at(1)));
      }
      return nullptr;
    });
    workshop::provide(session, "layer.disconnect", [&](const Json& args) -> Json {
      connections->leave(workshop::text_at(args.at(0), "id"));
      return nullptr;
    });
    // Those that a former run of this program has known: they connect again, and say again who they are.
    workshop::call(session, "crosspoint.gateway.list", {"layer"}, [session](const Json& ids) {
      for (const Json& id : ids) {
        workshop::call(session, "crosspoint.gateway.close", Json::array({id}), [](const Json&) {});
      }
    });
  });
  return worker.run();
}
