// Lesson 10: connections as objects. Each route of the gateway has a class of controllers.

#include "common/controller.hpp"

using workshop::Json;
using workshop::terminal_log;
using workshop::text_at;

// ws://localhost:8010/
class Echo : public workshop::Controller {
 public:
  Json index() override { return "Hello World!\n"; }
  Json show(const std::string& id) override { return "Showing the object with the id " + id + "\n"; }
  void on_message(const Json& data) override { write(data); }
};

// ws://localhost:8010/room?name=Ann
class Room : public workshop::Controller {
 public:
  bool pre_connect(const Json& request) override {
    set_principal(text_at(request.at("query"), "name"));
    set_cookie("last_name", name());
    return !name().empty();
  }
  void on_open() override { broadcast<Room>("said", {name() + " is here"}); }
  void on_message(const Json& data) override {
    if (data.is_string()) broadcast<Room>("said", {name() + ": " + data.get<std::string>()});
  }
  void on_close() override { broadcast<Room>("said", {name() + " is gone"}); }
  Json on_shutdown() override { return "The room is closed"; }

  void said(const Json& args) { write(args.at(0)); }

 private:
  std::string name() const { return principal().is_string() ? principal().get<std::string>() : ""; }
};

// ws://localhost:8010/desk
class Desk : public workshop::Controller {
 public:
  Json who(const Json& message) { return {{"event", "you"}, {"id", uuid()}}; }

  Json whisper(const Json& message) {
    unicast(text_at(message, "to"), "whispered", {uuid(), text_at(message, "text")});
    return nullptr;
  }
  void whispered(const Json& args) { write({{"event", "whispered"}, {"from", args.at(0)}, {"text", args.at(1)}}); }
  static void failed_unicast(const std::string& target, const std::string& event, const Json& args) {
    terminal_log("There is nobody called \"" + target + "\" for the event \"" + event + "\" from " + text_at(args, 0));
  }

  Json announce(const Json& message) {
    multicast("said", {text_at(message, "text")});
    return nullptr;
  }
  void said(const Json& args) { write({{"event", "said"}, {"text", args.at(0)}}); }

  bool pre_connect(const Json& request) override {
    set_principal(text_at(request.at("query"), "name"));
    return true;
  }
  void on_open() override {
    const std::string name = principal().is_string() ? principal().get<std::string>() : "";
    if (!name.empty()) register_as(name, std::chrono::hours(21 * 24), 5);
  }
  Json tell(const Json& message) {
    const std::string to = text_at(message, "to");
    notify(to, "note", {text_at(message, "text")}, [this, to](bool exists) {
      write({{"event", "told"}, {"to", to}, {"exists", exists}});
    });
    return nullptr;
  }
  void note(const Json& args) { write({{"event", "note"}, {"text", args.at(0)}}); }

  void on_message(const Json& data) override { write({{"event", "unknown"}}); }
};

int main(int argc, char** argv) {
  workshop::set_log_name("sockets");
  if (argc != 5) {
    terminal_log("Usage: sockets URL REALM USER SECRET");
    return 2;
  }
  workshop::Application application("sockets", {argv[1], argv[2], argv[3], argv[4]});
  application.route<Echo>("echo");
  application.route<Room>("room").event("said", &Room::said);
  application.route<Desk>("desk")
      .answer("tell", &Desk::tell)
      .event("note", &Desk::note)
      .answer("who", &Desk::who)
      .answer("whisper", &Desk::whisper)
      .event("whispered", &Desk::whispered)
      .answer("announce", &Desk::announce)
      .event("said", &Desk::said);
  return application.run();
}
