// Lesson 9: a cage that everybody is in. Three procedures for the connections, one for those who ask over HTTP.

#include <memory>

#include "world.hpp"

using workshop::Json;
using workshop::terminal_log;

int main(int argc, char** argv) {
  workshop::set_log_name("cage");
  if (argc != 5) {
    terminal_log("Usage: cage URL REALM USER SECRET");
    return 2;
  }
  std::unique_ptr<World> world;
  workshop::Worker worker({argv[1], argv[2], argv[3], argv[4]});
  worker.on_open([&](const workshop::Session& session, const workshop::Welcome&) {
    world = std::make_unique<World>(session);
    workshop::provide(session, "cage.connect", [&](const Json& args) -> Json {
      world->come(workshop::text_at(args.at(0), "id"));
      return true;  // anything else but false would do; nothing can be sent before the connection is accepted
    });
    workshop::provide(session, "cage.default", [&](const Json& args) -> Json {
      const Json message = args.at(1).is_string() ? Json::parse(args[1].get<std::string>(), nullptr, false) : Json();
      const std::string id = workshop::text_at(args.at(0), "id");
      if (message.is_object()) world->hear(id, message);
      // To this connection alone, which does not know its id otherwise.
      return workshop::text_at(message, "message") == "connected" ? Json{{"you", id}} : Json();
    });
    workshop::provide(session, "cage.disconnect", [&](const Json& args) -> Json {
      world->leave(workshop::text_at(args.at(0), "id"));
      return nullptr;
    });
    workshop::provide(session, "cage.connections", [&](const Json&) -> Json {
      return {{"body", world->connections()}};
    });
    workshop::call(session, "crosspoint.gateway.list", {"cage"}, [&](const Json& ids) { world->compare(ids); });
  });
  return worker.run();
}
