#include "common/controller.hpp"

#include <stdexcept>
#include <utility>
#include <vector>

namespace workshop {

void Controller::write(const Json& data) const {
  // Nobody tells of the connections of a node that was killed: whoever has something for them finds out.
  const auto failed = [application = application_, uuid = uuid_](const std::string& error) {
    if (error.find("crosspoint.error.no_such_connection") != std::string::npos)
      return application->leave({{"id", uuid}});
    terminal_log("Connection " + uuid + " could not be written to: " + error);
  };
  call(
      application_->session_, "crosspoint.gateway.send", {uuid_, data}, [](const Json&) {}, failed);
}

void Controller::close() const { application_->call_gateway("close", {uuid_}); }

void Controller::unicast(const std::string& target, const std::string& event, const Json& args) const {
  const auto found = application_->controllers_.find(target);
  if (found == application_->controllers_.end() || !found->second->open_) {
    return application_->classes_.at(route_).failed_unicast(target, event, args);
  }
  application_->tell(*found->second, event, args);
}

void Controller::register_as(const std::string& identity, std::chrono::seconds lifetime, int max_connections) const {
  call(application_->session_, "crosspoint.gateway.register_as", {identity},
       {{"connection", uuid_},
        {"procedure", application_->name_ + ".notified"},
        {"lifetime", lifetime.count()},
        {"max_connections", max_connections}},
       [](const Json&) {});
}

void Controller::notify(const std::string& identity, const std::string& event, const Json& args,
                        std::function<void(bool exists)> then) const {
  const auto answered = [application = application_, uuid = uuid_, then = std::move(then)](const Json& result) {
    if (application->controllers_.count(uuid) != 0) then(result.value("exists", false));
  };
  const Json message{{"event", event}, {"args", args}};
  call(application_->session_, "crosspoint.gateway.notify", {identity, message}, answered);
}

void Controller::multicast(const std::string& event, const Json& args) const {
  for (const auto& [id, controller] : application_->controllers_) application_->tell(*controller, event, args);
}

void Controller::broadcast_to(std::type_index type, const std::string& event, const Json& args) const {
  for (const auto& [id, controller] : application_->controllers_) {
    if (application_->classes_.at(controller->route_).type == type) application_->tell(*controller, event, args);
  }
}

Application::Application(std::string name, Login login) : name_(std::move(name)), worker_(std::move(login)) {}

Application::~Application() = default;

int Application::run() {
  worker_.on_open([this](const Session& session, const Welcome&) { start(session); });
  return worker_.run();
}

void Application::start(const Session& session) {
  session_ = session;
  controllers_.clear();
  gone_.clear();
  const auto serve = [&](const std::string& procedure, const Procedure& handler) {
    provide(session, name_ + "." + procedure, handler, Bytes::as_bytes);
  };
  serve("connect", [this](const Json& args) { return connect(args.at(0), args.at(1)); });
  serve("open", [this](const Json& args) {
    open(at(args.at(0)));
    return Json();
  });
  serve("message", [this](const Json& args) {
    at(args.at(0)).on_message(args.at(1));
    return Json();
  });
  serve("disconnect", [this](const Json& args) {
    leave(args.at(0));
    return Json();
  });
  serve("shutdown", [this](const Json& args) { return at(args.at(0)).on_shutdown(); });
  serve("notified", [this](const Json& args) {
    notified(text_at(args, 3), args.at(2));
    return Json();
  });
  for (const auto& [route, its_class] : classes_) start_route(route, its_class);
}

void Application::start_route(const std::string& route, const ControllerClass& its_class) {
  const std::string prefix = name_ + "." + route;
  provide(session_, prefix + ".request", [&](const Json& args) { return request(its_class, args.at(0)); });
  for (const auto& [event, handler] : its_class.answers) {
    provide(session_, prefix + ".event." + event, [this, handler = handler](const Json& args) -> Json {
      Controller& controller = at(args.at(0));
      const Json answer = handler(controller, args.at(1));
      if (!answer.is_null()) controller.write(answer);
      return nullptr;  // it must not overtake what the handler has written
    });
  }
  take_over(route);
}

void Application::take_over(const std::string& route) {
  ++looking_;
  const auto done = [this] {
    if (--looking_ == 0) gone_.clear();
  };
  call(session_, "crosspoint.gateway.list", {route}, [this, done](const Json& ids) {
    for (const Json& id : ids) {
      if (controllers_.count(id) != 0) continue;
      ++looking_;
      const auto take = [this, done](const Json& connection) {
        if (gone_.count(text_at(connection, "id")) == 0) at(connection);
        done();
      };
      call(session_, "crosspoint.gateway.get", Json::array({id}), take,
           [done](const std::string&) { done(); });  // gone already
    }
    done();
  });
}

Json Application::connect(const Json& connection, const Json& request) {
  Controller& controller = make(connection);
  if (controller.pre_connect(request)) {
    return {{"accept", true}, {"cookies", controller.cookies_}, {"principal", controller.principal_}};
  }
  controllers_.erase(controller.uuid_);
  return false;
}

Json Application::request(const ControllerClass& its_class, const Json& request) {
  const auto controller = its_class.make();
  std::string id = text_at(request, "rest");
  id.erase(0, id.find_first_not_of('/'));
  const Json body = id.empty() ? controller->index() : controller->show(id);
  return body.is_null() ? Json{{"status", 404}, {"body", "Not Found\n"}} : Json{{"body", body}};
}

Controller& Application::make(const Json& connection) {
  const std::string id = text_at(connection, "id");
  const std::string route = text_at(connection, "route");
  const auto found = classes_.find(route);
  if (id.empty() || found == classes_.end()) throw std::runtime_error("there is no route \"" + route + "\" here");
  std::unique_ptr<Controller>& controller = controllers_[id];
  controller = found->second.make();
  controller->application_ = this;
  controller->uuid_ = id;
  controller->route_ = route;
  if (connection.contains("principal")) controller->principal_ = connection["principal"];
  return *controller;
}

Controller& Application::at(const Json& connection) {
  const auto found = controllers_.find(text_at(connection, "id"));
  Controller& controller = found != controllers_.end() ? *found->second : make(connection);
  open(controller);
  return controller;
}

void Application::open(Controller& controller) {
  if (std::exchange(controller.open_, true)) return;
  controller.on_open();
}

void Application::leave(const Json& connection) {
  const auto found = controllers_.find(text_at(connection, "id"));
  if (found == controllers_.end()) {
    if (looking_ > 0) gone_.insert(text_at(connection, "id"));
    return;
  }
  const std::unique_ptr<Controller> controller = std::move(found->second);
  controllers_.erase(found);
  if (controller->open_) controller->on_close();
}

void Application::notified(const std::string& connection, const Json& message) {
  const auto found = controllers_.find(connection);
  // An error keeps the message for the next one that registers: this connection, once we know of it, or another.
  if (found == controllers_.end()) throw std::runtime_error("there is no connection \"" + connection + "\" here");
  tell(*found->second, text_at(message, "event"), message.at("args"));
}

void Application::tell(Controller& controller, const std::string& event, const Json& args) {
  const auto& events = classes_.at(controller.route_).events;
  const auto found = events.find(event);
  if (!controller.open_ || found == events.end()) return;
  try {
    found->second(controller, args);
  } catch (const std::exception& error) {  // the others shall hear of the event all the same
    terminal_log("Error at the event \"" + event + "\": " + error.what());
  }
}

void Application::call_gateway(const std::string& procedure, const Json& args) {
  call(session_, "crosspoint.gateway." + procedure, args, [](const Json&) {});
}

}  // namespace workshop
