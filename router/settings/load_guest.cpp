#include <unistd.h>

#include "settings/object_reader.hpp"

namespace crosspoint::settings {
namespace {

void load_environment(ObjectReader& options, GuestWorker& guest) {
  const Json* value = options.find("env");
  if (value == nullptr) return;
  LoadContext& context = options.context();
  ObjectReader env(context, *value, options.path_of("env"));
  if (const Json* inherit = env.find("inherit")) {
    if (inherit->is_array()) {
      guest.inherited = env.texts("inherit");
      guest.inherit_environment = !guest.inherited.empty();
    } else {
      guest.inherit_environment = env.boolean("inherit", true);
    }
  }
  each_entry(env, "vars", [&](const std::string& name, const Json& text, const std::string& path) {
    if (text.is_string()) {
      guest.environment.emplace(name, text.get<std::string>());
    } else {
      context.error(path, show(text) + " is not a string", "a string");
    }
  });
  env.finish();
}

void load_input(ObjectReader& options, GuestWorker& guest) {
  const Json* value = options.find("stdin");
  if (value == nullptr) return;
  if (value->is_string()) {
    options.choice("stdin", {"close"}, 0);
    guest.input = GuestWorker::Input::close;
    return;
  }
  ObjectReader input(options.context(), *value, options.path_of("stdin"));
  input.require("type", "json");
  input.choice("type", {"json"}, 0);
  guest.input = GuestWorker::Input::json;
  if (const Json* json = input.require("value", "any JSON value")) guest.input_json = json->dump();
  guest.input_close = input.boolean("close", true);
  input.finish();
}

void load_watch(ObjectReader& options, GuestWorker& guest) {
  const Json* value = options.find("watch");
  if (value == nullptr) return;
  ObjectReader watch(options.context(), *value, options.path_of("watch"));
  watch.require("directories", "a list of directories");
  for (const auto& directory : watch.texts("directories")) {
    guest.watch_directories.push_back(options.context().absolute(directory));
  }
  if (const auto seconds = watch.integer("timeout", 0, 3600)) guest.watch_timeout = std::chrono::seconds(*seconds);
  guest.watch_restart = watch.find("action") != nullptr && watch.choice("action", {"restart"}, 0) == 0;
  watch.finish();
}

}  // namespace

GuestWorker load_guest(ObjectReader& object) {
  GuestWorker guest;
  LoadContext& context = object.context();
  guest.executable = object.required_text("executable", "a program");
  guest.arguments = object.texts("arguments");
  guest.workdir = context.absolute("");
  if (const Json* value = object.find("options")) {
    ObjectReader options(context, *value, object.path_of("options"));
    guest.workdir = context.absolute(options.text_or("workdir", ""));
    load_environment(options, guest);
    load_input(options, guest);
    const std::vector<std::string_view> outputs{"log", "close", "drop"};
    guest.output = static_cast<GuestWorker::Output>(options.choice("stdout", outputs, 0));
    guest.error_output = static_cast<GuestWorker::Output>(options.choice("stderr", outputs, 0));
    load_watch(options, guest);
    guest.restart = static_cast<Restart>(options.choice("restart", {"never", "on-failure", "always"}, 0));
    options.finish();
  }
  return guest;
}

}  // namespace crosspoint::settings
