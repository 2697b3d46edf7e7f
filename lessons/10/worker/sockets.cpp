// Lesson 10: connections as objects. Each route of the gateway has a class of controllers.

#include "common/controller.hpp"

using workshop::Json;
using workshop::terminal_log;
using workshop::text_at;

// ws://localhost:8010/
class Echo : public workshop::Controller {
 public:
};

// ws://localhost:8010/room?name=Ann
class Room : public workshop::Controller {
 public:
 private:
  std::string name() const { return principal().is_string() ? principal().get<std::string>() : ""; }
};

// ws://localhost:8010/desk
class Desk : public workshop::Controller {
 public:
};

int main(int argc, char** argv) {
  workshop::set_log_name("sockets");
  if (argc != 5) {
    terminal_log("Usage: sockets URL REALM USER SECRET");
    return 2;
  }
  workshop::Application application("sockets", {argv[1], argv[2], argv[3], argv[4]});
  application.route<Echo>("echo");
  application.route<Room>("room");
  application.route<Desk>("desk");
  return application.run();
}
