#include <algorithm>

#include "settings/object_reader.hpp"

namespace crosspoint::settings {
namespace {

constexpr std::int64_t kMaxBody = 1024 * 1024;
constexpr std::int64_t kDay = 86400;

}  // namespace

BridgeTarget load_target(ObjectReader& object) {
  BridgeTarget target;
  target.realm = object.required_text("realm", "the name of a realm");
  target.role = object.required_text("role", "the name of a role of the realm");
  LoadContext& context = object.context();
  if (context.realms == nullptr || target.realm.empty() || target.role.empty()) return target;
  const auto named = [](const std::string& name) { return [&name](const auto& item) { return item.name == name; }; };
  const auto realm = std::find_if(context.realms->begin(), context.realms->end(), named(target.realm));
  if (realm == context.realms->end()) {
    context.error(object.path_of("realm"), "there is no realm \"" + target.realm + "\" in this worker",
                  "one of its realms");
  } else if (target.role != "anonymous" && target.role != "trusted" &&
             std::none_of(realm->roles.begin(), realm->roles.end(), named(target.role))) {
    context.error(object.path_of("role"), "the realm \"" + target.realm + "\" has no role \"" + target.role + "\"",
                  "one of its roles");
  }
  return target;
}

namespace {

/// An empty one would check nothing, which nobody means who writes it down.
std::string load_secret(ObjectReader& options, std::string_view key) {
  const std::size_t errors = options.context().report.errors.size();
  std::string secret = options.required_secret(key);
  if (secret.empty() && options.context().report.errors.size() == errors) {
    options.context().error(options.path_of(key), "the secret is empty", "a string that nobody can guess");
  }
  return secret;
}

std::size_t load_body_limit(ObjectReader& options) {
  return static_cast<std::size_t>(options.integer("post_body_limit", 0, kMaxBody).value_or(0));
}

BridgeOptions load_options(ObjectReader& object, bool caller) {
  BridgeOptions out;
  const Json* value = object.find("options");
  if (value == nullptr) return out;
  LoadContext& context = object.context();
  ObjectReader options(context, *value, object.path_of("options"));
  options.boolean("debug", false);
  out.key = options.text_or("key", "");
  if (options.find("secret") != nullptr) {
    out.secret = load_secret(options, "secret");
    if (out.key.empty())
      context.error(options.path(), "\"secret\" without \"key\": no request could be signed", "both");
  } else if (!out.key.empty()) {
    context.warn(options.path_of("key"), "without \"secret\" nothing checks the key", "both");
  }
  out.require_tls = options.boolean("require_tls", false);
  each_item(options, "require_ip", [&](const Json& item, const std::string& path) {
    const auto network = item.is_string() ? IpNetwork::parse(item.get<std::string>()) : std::nullopt;
    if (network) {
      out.require_ip.push_back(*network);
    } else {
      context.error(path, show(item) + " is not a network", "an address, or a network like \"10.0.0.0/8\"");
    }
  });
  out.post_body_limit = load_body_limit(options);
  if (const auto seconds = options.integer("timestamp_delta_limit", 0, kDay)) {
    out.timestamp_delta_limit = static_cast<std::uint32_t>(*seconds);
    if (*seconds == 0 && !out.secret.empty()) {
      context.warn(options.path_of("timestamp_delta_limit"),
                   "requests of any age are taken, and only the last ones are remembered against replays",
                   "1 to 86400");
    }
  }
  if (caller) {
    if (const auto seconds = options.integer("call_timeout", 1, kDay)) {
      out.call_timeout = static_cast<std::uint32_t>(*seconds);
    }
  }
  options.finish();
  return out;
}

}  // namespace

Publisher load_publisher(ObjectReader& object) {
  Publisher publisher;
  publisher.target = load_target(object);
  publisher.options = load_options(object, false);
  return publisher;
}

Caller load_caller(ObjectReader& object) {
  Caller caller;
  caller.target = load_target(object);
  caller.options = load_options(object, true);
  return caller;
}

Webhook load_webhook(ObjectReader& object) {
  Webhook webhook;
  webhook.target = load_target(object);
  const Json* value = object.require("options", "an object with \"topic\"");
  if (value == nullptr) return webhook;
  ObjectReader options(object.context(), *value, object.path_of("options"));
  options.boolean("debug", false);
  webhook.topic = options.required_text("topic", "a topic's URI");
  webhook.success_response = options.text_or("success_response", webhook.success_response);
  webhook.error_response = options.text_or("error_response", webhook.error_response);
  if (options.find("github_secret") != nullptr) webhook.github_secret = load_secret(options, "github_secret");
  webhook.post_body_limit = load_body_limit(options);
  options.finish();
  return webhook;
}

}  // namespace crosspoint::settings
