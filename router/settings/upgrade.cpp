#include "settings/object_reader.hpp"

namespace crosspoint::settings {
namespace {

/// {uri, call, register, publish, subscribe} becomes {uri, match, allow, disclose, cache}.
Json upgrade_permission(const Json& old) {
  std::string uri = old.value("uri", "");
  Match match = Match::exact;
  convert_starred_uri(uri, match);
  constexpr const char* kMatches[] = {"exact", "prefix", "wildcard"};
  Json allow = Json::object();
  for (const char* action : {"call", "register", "publish", "subscribe"}) allow[action] = old.value(action, false);
  Json permission = Json::object();
  permission["uri"] = uri;
  permission["match"] = kMatches[static_cast<std::size_t>(match)];
  permission["allow"] = std::move(allow);
  permission["disclose"] = {{"caller", false}, {"publisher", false}};
  permission["cache"] = true;
  return permission;
}

template <class Visit>
void each_of(Json& object, const char* key, Visit&& visit) {
  if (!object.is_object()) return;
  const auto list = object.find(key);
  if (list == object.end() || !list->is_array()) return;
  for (Json& item : *list) visit(item);
}

}  // namespace

std::optional<std::string> upgrade_json(const std::string& text, std::string& problem) {
  try {
    Json document = Json::parse(text);
    if (!document.is_object()) {
      problem = "the configuration is not an object";
      return std::nullopt;
    }
    if (document.value("version", 1) >= 2) return text;
    each_of(document, "workers", [](Json& worker) {
      if (!worker.is_object() || worker.value("type", "") != "router") return;
      each_of(worker, "realms", [](Json& realm) {
        each_of(realm, "roles", [](Json& role) {
          each_of(role, "permissions", [](Json& permission) { permission = upgrade_permission(permission); });
        });
      });
    });
    Json upgraded = Json::object();
    upgraded["version"] = 2;
    for (const auto& [key, value] : document.items()) {
      if (key != "version") upgraded[key] = value;
    }
    return upgraded.dump(4) + "\n";
  } catch (const std::exception& error) {
    problem = error.what();
    return std::nullopt;
  }
}

}  // namespace crosspoint::settings
