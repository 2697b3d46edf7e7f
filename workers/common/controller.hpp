#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <typeindex>
#include <utility>

#include "common/wamp.hpp"

/// Plain WebSocket connections as objects: the router's gateway accepts them, a controller here says what happens. One
/// thread: all that a controller does is called inside Application::run(), and must not wait.
namespace workshop {

class Application;

/// What stands for one connection. It is made when somebody asks for the connection, and destroyed when it is gone.
class Controller {
 public:
  virtual ~Controller() = default;

  /// Before the connection is accepted: the place to ask who it is. False refuses it. Nothing can be sent yet, but
  /// cookies can be set, and the principal. `request` has path, query, headers, cookies and peer.
  virtual bool pre_connect(const Json& request) { return true; }
  /// The connection is there. Also called for those that a new run of the program finds, without pre_connect().
  virtual void on_open() {}
  /// What the client says: a text as a string, a binary message as bytes.
  virtual void on_message(const Json& data) {}
  /// The connection is gone.
  virtual void on_close() {}
  /// The router ends, and closes the connection afterwards. What is returned is the last thing that is written.
  virtual Json on_shutdown() { return nullptr; }

  /// The same address without a WebSocket (GET), as text or JSON; null is "not found". A controller is made for each.
  virtual Json index() { return nullptr; }
  virtual Json show(const std::string& id) { return nullptr; }

  /// A unicast by a controller of this class has found nobody. To be hidden by a function of the same name.
  static void failed_unicast(const std::string& target, const std::string& event, const Json& args) {}

  /// The connection's name: no other one has it, on any router, ever.
  const std::string& uuid() const { return uuid_; }

 protected:
  /// To the client: a string as a text, bytes as a binary message, anything else as JSON.
  void write(const Json& data) const;
  void close() const;
  /// Both in pre_connect(). The principal is what the router keeps with the connection, also while no program is there.
  void set_cookie(const std::string& name, const std::string& value) { cookies_[name] = value; }
  void set_principal(Json principal) { principal_ = std::move(principal); }
  const Json& principal() const { return principal_; }

  /// An event for one connection, whatever its class. Events that its class does not have are nothing to it.
  void unicast(const std::string& target, const std::string& event, const Json& args) const;
  /// For every connection there is, this one included.
  void multicast(const std::string& event, const Json& args) const;
  /// Makes this connection one of an identity's (a user, say), of which there are at most so many; if there is one
  /// more, the oldest is none any longer. The identity lives as long as it has connections, and `lifetime` longer.
  void register_as(const std::string& identity, std::chrono::seconds lifetime, int max_connections = 1) const;
  /// An event for each of an identity's connections, or for the next one that comes if there are none. `then` is told
  /// whether the identity exists, unless this connection has gone meanwhile.
  void notify(const std::string& identity, const std::string& event, const Json& args,
              std::function<void(bool exists)> then) const;

  /// For every connection of a class; C is that of this one, or another.
  template <class C>
  void broadcast(const std::string& event, const Json& args) const {
    broadcast_to(typeid(C), event, args);
  }

 private:
  friend class Application;
  void broadcast_to(std::type_index type, const std::string& event, const Json& args) const;

  Application* application_ = nullptr;
  std::string uuid_;
  std::string route_;
  Json cookies_ = Json::object();
  Json principal_;
  bool open_ = false;
};

/// A class of controllers and what it can do.
struct ControllerClass {
  explicit ControllerClass(std::type_index its_type) : type(its_type) {}

  std::type_index type;
  std::function<std::unique_ptr<Controller>()> make;
  std::function<void(const std::string& target, const std::string& event, const Json& args)> failed_unicast;
  std::map<std::string, std::function<void(Controller&, const Json& args)>> events;
  std::map<std::string, std::function<Json(Controller&, const Json& message)>> answers;
};

/// Names what a class can do: application.route<Room>("room").event("said", &Room::said).answer("say", &Room::say).
template <class C>
class RouteOf {
 public:
  explicit RouteOf(ControllerClass& target) : target_(target) {}

  /// What other controllers may ask of it: broadcast, multicast, unicast and notify. Clients cannot.
  RouteOf& event(const std::string& name, void (C::*handler)(const Json& args)) {
    target_.events[name] = [handler](Controller& on, const Json& args) { (static_cast<C&>(on).*handler)(args); };
    return *this;
  }
  /// What clients may ask of it by a JSON message {"event": name, ...}: the handler gets the message, and what it
  /// returns is written as JSON unless it is null.
  RouteOf& answer(const std::string& name, Json (C::*handler)(const Json& message)) {
    target_.answers[name] = [handler](Controller& on, const Json& message) {
      return (static_cast<C&>(on).*handler)(message);
    };
    return *this;
  }

 private:
  ControllerClass& target_;
};

/// The controllers of a program. Its name is what the URIs of its procedures begin with; the gateway's routes name
/// these: <name>.connect, .open, .message, .disconnect and .shutdown, <name>.<route>.request for requests without a
/// WebSocket, and <name>.<route>.event as the prefix of `dispatch` if it has answers.
class Application {
 public:
  Application(std::string name, Login login);
  ~Application();
  Application(const Application&) = delete;
  Application& operator=(const Application&) = delete;

  /// The connections of a route of the gateway are to be controllers of class C.
  template <class C>
  RouteOf<C> route(const std::string& name) {
    ControllerClass& added = classes_.emplace(name, ControllerClass(typeid(C))).first->second;
    added.make = [] { return std::make_unique<C>(); };
    added.failed_unicast = &C::failed_unicast;
    return RouteOf<C>(added);
  }

  /// Serves until the connection to the router ends or a signal arrives; the exit code for main().
  int run();

 private:
  friend class Controller;

  void start(const Session& session);
  void start_route(const std::string& route, const ControllerClass& its_class);
  Json connect(const Json& connection, const Json& request);
  void notified(const std::string& connection, const Json& message);
  Json request(const ControllerClass& its_class, const Json& request);
  void leave(const Json& connection);
  /// Makes controllers for the connections of a former run, which hear of events although they say nothing.
  void take_over(const std::string& route);
  /// The controller of a connection. One that a former run of the program has accepted gets a new one.
  Controller& at(const Json& connection);
  Controller& make(const Json& connection);
  void open(Controller& controller);
  void tell(Controller& controller, const std::string& event, const Json& args);
  void call_gateway(const std::string& procedure, const Json& args);

  const std::string name_;
  Worker worker_;
  Session session_;
  std::map<std::string, ControllerClass> classes_;                  // by route
  std::map<std::string, std::unique_ptr<Controller>> controllers_;  // by connection
  int looking_ = 0;             // questions about connections of a former run that are not answered yet
  std::set<std::string> gone_;  // meanwhile
};

}  // namespace workshop
