#include <algorithm>
#include <cctype>

#include "settings/object_reader.hpp"

namespace crosspoint::settings {
namespace {

void check_id(LoadContext& context, const std::string& id, const std::string& path) {
  const auto good = [](unsigned char c) {
    return c < 0x80 && (std::islower(c) != 0 || std::isdigit(c) != 0 || c == '_');
  };
  if (id.size() >= 3 && id.size() <= 64 && std::islower(static_cast<unsigned char>(id[0])) != 0 &&
      std::all_of(id.begin(), id.end(), good)) {
    return;
  }
  context.error(path, "\"" + id + "\" is not an id", "a lower-case letter, then 2 to 63 of a-z, 0-9 and _");
}

std::vector<ShutdownTrigger> load_shutdown(ObjectReader& options) {
  const std::vector<std::string_view> names{"shutdown_on_shutdown_requested", "shutdown_on_worker_exit",
                                            "shutdown_on_worker_exit_with_error", "shutdown_on_last_worker_exit"};
  std::vector<ShutdownTrigger> triggers;
  const Json* value = options.find("shutdown");
  if (value == nullptr) return {ShutdownTrigger::on_worker_exit};
  if (value->is_string()) return {static_cast<ShutdownTrigger>(options.choice("shutdown", names, 1))};
  for (const auto& text : options.texts("shutdown")) {
    const auto at = std::find(names.begin(), names.end(), text);
    if (at != names.end()) {
      triggers.push_back(static_cast<ShutdownTrigger>(at - names.begin()));
    } else {
      options.context().error(options.path_of("shutdown"), "\"" + text + "\" is not a trigger",
                              "shutdown_on_shutdown_requested, shutdown_on_worker_exit, "
                              "shutdown_on_worker_exit_with_error, shutdown_on_last_worker_exit");
    }
  }
  return triggers;
}

Controller load_controller(LoadContext& context, const Json& value) {
  ObjectReader object(context, value, "controller");
  Controller controller;
  controller.id = object.text_or("id", "");
  if (!controller.id.empty()) check_id(context, controller.id, "controller.id");
  if (const Json* options = object.find("options")) {
    ObjectReader reader(context, *options, "controller.options");
    controller.title = reader.text_or("title", "");
    controller.shutdown = load_shutdown(reader);
    reader.boolean("enable_parallel_worker_start", false);
    reader.finish();
  }
  for (const std::string_view key : {"manhole", "connections", "keyring"}) {
    if (object.find(key) != nullptr) {
      context.unsupported(object.path_of(key), "\"" + std::string(key) + "\" of the controller is not available");
    }
  }
  object.finish();
  return controller;
}

bool load_disabled(ObjectReader& options) {
  const Json* value = options.find("disabled");
  if (value == nullptr) return false;
  if (!value->is_string()) return options.boolean("disabled", false);
  const auto& text = value->get_ref<const std::string&>();
  if (!text.starts_with("${") || !text.ends_with("}")) {
    options.context().error(options.path_of("disabled"), show(*value) + " cannot be used",
                            "true, false, or \"${NAME}\" for an environment variable");
    return false;
  }
  const std::string name = text.substr(2, text.size() - 3);
  const auto found = options.context().environment(name);
  if (!found) {
    options.context().warn(options.path_of("disabled"), "environment variable " + name + " is not set: taken as false");
  }
  return found && !found->empty();
}

void load_worker_options(ObjectReader& object, RouterWorker& router, bool& disabled) {
  if (const Json* value = object.find("options")) {
    ObjectReader options(object.context(), *value, object.path_of("options"));
    router.io_threads = static_cast<unsigned>(options.integer("io_threads", 1, 64).value_or(0));
    disabled = load_disabled(options);
    for (const std::string_view key :
         {"title", "python", "pythonpath", "cpu_affinity", "env", "expose_controller", "expose_shared", "extra"}) {
      options.ignore(key);  // of the Python process that Crossbar would start
    }
    options.finish();
  }
}

RouterWorker load_router(ObjectReader& object, bool& disabled) {
  LoadContext& context = object.context();
  RouterWorker router;
  load_worker_options(object, router, disabled);
  each_item(object, "realms", [&](const Json& item, const std::string& path) {
    router.realms.push_back(load_realm(context, item, path));
    const Realm& realm = router.realms.back();
    const auto same = [&](const Realm& other) { return other.name == realm.name; };
    if (!realm.name.empty() && std::count_if(router.realms.begin(), router.realms.end(), same) > 1) {
      context.error(path + ".name", "there is already a realm \"" + realm.name + "\"");
    }
  });
  each_item(object, "components", [&](const Json&, const std::string& path) {
    context.unsupported(path, "Python components are not available; run them as a client or as a guest worker");
  });
  context.realms = &router.realms;
  each_item(object, "transports", [&](const Json& item, const std::string& path) {
    router.transports.push_back(load_transport(context, item, path));
  });
  context.realms = nullptr;
  check_gateways(context, router);
  for (const std::string_view key : {"manhole", "connections"}) {
    if (object.find(key) != nullptr) {
      context.unsupported(object.path_of(key), "\"" + std::string(key) + "\" of a router is not available");
    }
  }
  object.finish();
  return router;
}

/// A router without realms that has an echo to listen to.
RouterWorker load_testee(ObjectReader& object, bool& disabled) {
  RouterWorker worker;
  load_worker_options(object, worker, disabled);
  if (const Json* transport = object.require("transport", "an object with a WebSocket transport")) {
    const std::string path = object.path_of("transport");
    worker.transports.push_back(load_transport(object.context(), *transport, path));
    Transport& loaded = worker.transports.back();
    if (auto* websocket = std::get_if<WebSocket>(&loaded.kind)) {
      websocket->echo = true;
    } else {
      object.context().error(path + ".type", "a testee has a WebSocket", "websocket");
    }
  }
  object.finish();
  return worker;
}

Worker load_worker(LoadContext& context, const Json& value, const std::string& path) {
  constexpr std::string_view kTypes = "router, guest";
  ObjectReader object(context, value, path);
  Worker worker;
  worker.path = path;
  worker.id = object.text_or("id", "");
  if (worker.id.empty()) {
    worker.id = context.next_id("worker");
  } else {
    check_id(context, worker.id, object.path_of("id"));
  }
  const std::string type = object.required_text("type", kTypes);
  if (type == "router") {
    worker.kind = load_router(object, worker.disabled);
  } else if (type == "guest") {
    worker.kind = load_guest(object);
    object.finish();
  } else if (type == "websocket-testee") {
    worker.kind = load_testee(object, worker.disabled);
  } else if (type == "container" || type == "proxy" || type == "hostmonitor" || type == "xbrmm") {
    const std::string what = type == "container" ? "container workers (Python components)" : "\"" + type + "\" workers";
    context.unsupported(path, what + " are not available");
    worker.kind = UnsupportedWorker{type};
  } else if (!type.empty()) {
    context.error(object.path_of("type"), "\"" + type + "\" is not a worker type", std::string(kTypes));
  }
  return worker;
}

bool check_version(LoadContext& context, ObjectReader& object) {
  const Json* version = object.find("version");
  if (version == nullptr || *version == 1) {
    context.error("version", version == nullptr ? "\"version\" is missing, which means version 1" : "version 1",
                  "2; \"crosspoint upgrade\" converts the file");
    return false;
  }
  if (*version != 2) {
    context.error("version", show(*version) + " is not a version", "2");
    return false;
  }
  return true;
}

}  // namespace

Node load_node(LoadContext& context, const Json& document) {
  Node node;
  ObjectReader object(context, document, "");
  if (!object.good()) return node;
  object.ignore("$schema");
  if (!check_version(context, object)) return node;
  if (const Json* controller = object.find("controller")) node.controller = load_controller(context, *controller);
  each_item(object, "workers", [&](const Json& item, const std::string& path) {
    node.workers.push_back(load_worker(context, item, path));
  });
  if (const Json* cluster = object.find("cluster")) node.cluster = load_cluster(context, *cluster);
  object.finish();
  check_cluster(context, node);
  return node;
}

}  // namespace crosspoint::settings
