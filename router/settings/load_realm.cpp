#include <algorithm>
#include <cctype>
#include <set>

#include "settings/object_reader.hpp"

namespace crosspoint::settings {
namespace {

const std::vector<std::string_view> kMatches{"exact", "prefix", "wildcard"};

bool all_of(std::string_view text, int (*good)(int)) {
  return std::all_of(text.begin(), text.end(), [good](unsigned char c) { return c < 0x80 && good(c) != 0; });
}

bool is_realm_name(const std::string& name) {
  if (name.size() == 42 && name.starts_with("0x")) return all_of(std::string_view(name).substr(2), std::isxdigit);
  if (name.size() < 3 || name.size() > 255 || !all_of(std::string_view(name).substr(0, 1), std::isalpha)) return false;
  return std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return (c < 0x80 && std::isalnum(c) != 0) || c == '_' || c == '-' || c == '@' || c == '.';
  });
}

bool has_forbidden_uri_characters(const std::string& uri) {
  return std::any_of(uri.begin(), uri.end(), [](unsigned char c) { return std::isspace(c) != 0 || c == '#'; });
}

std::optional<std::int32_t> load_trustlevel(ObjectReader& object) {
  const auto given = object.integer("trustlevel", 0, INT32_MAX);
  return given ? std::optional(static_cast<std::int32_t>(*given)) : std::nullopt;
}

Permission load_permission(LoadContext& context, const Json& value, const std::string& path) {
  ObjectReader object(context, value, path);
  Permission permission;
  permission.uri = object.required_text("uri", "a URI or a pattern of URIs");
  if (has_forbidden_uri_characters(permission.uri)) {
    context.error(object.path_of("uri"), show(permission.uri) + " is not a URI", "no white space and no '#'");
  }
  if (object.find("match") != nullptr) {
    permission.match = static_cast<Match>(object.choice("match", kMatches, 0));
  } else {
    convert_starred_uri(permission.uri, permission.match);
  }
  if (const Json* allow = object.find("allow")) {
    ObjectReader reader(context, *allow, object.path_of("allow"));
    permission.call = reader.boolean("call", false);
    permission.register_ = reader.boolean("register", false);
    permission.publish = reader.boolean("publish", false);
    permission.subscribe = reader.boolean("subscribe", false);
    reader.finish();
  }
  if (const Json* disclose = object.find("disclose")) {
    ObjectReader reader(context, *disclose, object.path_of("disclose"));
    permission.disclose_caller = reader.boolean("caller", false);
    permission.disclose_publisher = reader.boolean("publisher", false);
    reader.finish();
  }
  permission.cache = object.boolean("cache", false);
  permission.trustlevel = load_trustlevel(object);
  if (object.find("validate") != nullptr) {
    context.unsupported(object.path_of("validate"), "payload validation (FlatBuffers catalogs) is not available");
  }
  object.finish();
  return permission;
}

Role load_role(LoadContext& context, const Json& value, const std::string& path) {
  ObjectReader object(context, value, path);
  Role role;
  role.id = object.text_or("id", "");
  if (role.id.empty()) role.id = context.next_id("role");
  role.name = object.required_text("name");
  role.trustlevel = load_trustlevel(object);
  const bool has_permissions = object.find("permissions") != nullptr;
  const Json* authorizer = object.find("authorizer");
  const bool allow_by_default = object.boolean("allow-by-default", false);
  if (has_permissions && authorizer != nullptr) {
    context.error(path, "both \"authorizer\" and \"permissions\" are given", "one of them");
  } else if (authorizer != nullptr) {
    std::string uri = object.required_text("authorizer", "the URI of a procedure");
    if (uri.empty()) context.error(object.path_of("authorizer"), "an empty URI", "the URI of a procedure");
    role.permissions = DynamicPermissions{std::move(uri)};
  } else if (has_permissions) {
    StaticPermissions permissions;
    each_item(object, "permissions", [&](const Json& item, const std::string& item_path) {
      permissions.permissions.push_back(load_permission(context, item, item_path));
      auto& level = permissions.permissions.back().trustlevel;
      if (!level) level = role.trustlevel;
    });
    role.permissions = std::move(permissions);
  } else {
    role.permissions = FixedPermission{allow_by_default};
  }
  object.finish(false);
  return role;
}

std::vector<StoreEntry> load_store_entries(ObjectReader& store, std::string_view key) {
  std::vector<StoreEntry> entries;
  each_item(store, key, [&](const Json& value, const std::string& path) {
    ObjectReader object(store.context(), value, path);
    StoreEntry entry;
    entry.uri = object.required_text("uri");
    entry.match = static_cast<Match>(object.choice("match", kMatches, 0));
    if (const auto limit = object.integer("limit", 1, INT32_MAX)) entry.limit = static_cast<std::uint32_t>(*limit);
    if (has_forbidden_uri_characters(entry.uri)) {
      store.context().error(object.path_of("uri"), show(entry.uri) + " is not a URI", "no white space and no '#'");
    }
    for (const StoreEntry& other : entries) {
      if (other.uri == entry.uri && other.match == entry.match) {
        store.context().error(path, "there is already an entry for " + show(entry.uri) + " with this match policy");
      }
    }
    object.finish();
    entries.push_back(std::move(entry));
  });
  return entries;
}

Store load_store(LoadContext& context, const Json& value, const std::string& path) {
  ObjectReader object(context, value, path);
  Store store;
  object.require("type", "memory or sqlite");
  store.type = static_cast<Store::Type>(object.choice("type", {"memory", "sqlite"}, 0));
  if (store.type == Store::Type::sqlite) store.path = context.absolute(object.required_text("path", "a file's name"));
  store.max_bytes = static_cast<std::uint64_t>(object.integer("max_bytes", 1, INT64_MAX).value_or(64 * 1024 * 1024));
  store.limit = static_cast<std::uint32_t>(object.integer("limit", 1, INT32_MAX).value_or(100));
  store.event_history = load_store_entries(object, "event-history");
  store.call_queue = load_store_entries(object, "call-queue");
  object.finish();
  return store;
}

void load_options(ObjectReader& object, Realm& realm) {
  const Json* value = object.find("options");
  if (value == nullptr) return;
  ObjectReader options(object.context(), *value, object.path_of("options"));
  realm.strict_uris = options.choice("uri_check", {"loose", "strict"}, 0) == 1;
  realm.enable_meta_api = options.boolean("enable_meta_api", true);
  realm.bridge_meta_api = options.boolean("bridge_meta_api", false);
  realm.event_dispatching_chunk_size =
      static_cast<std::uint32_t>(options.integer("event_dispatching_chunk_size", 1, INT32_MAX).value_or(100));
  options.finish();
}

void load_limits(ObjectReader& object, RealmLimits& limits) {
  const Json* value = object.find("limits");
  if (value == nullptr) return;
  ObjectReader reader(object.context(), *value, object.path_of("limits"));
  const auto read = [&reader](std::string_view key, auto& limit) {
    if (const auto given = reader.integer(key, 0, INT32_MAX)) limit = static_cast<std::uint32_t>(*given);
  };
  read("retained_events", limits.retained_events);
  read("retained_bytes", limits.retained_bytes);
  read("testaments", limits.testaments);
  read("testament_bytes", limits.testament_bytes);
  read("session_detail_bytes", limits.session_detail_bytes);
  reader.finish();
}

void load_compat(ObjectReader& object, Compat& compat) {
  const Json* value = object.find("compat");
  if (value == nullptr) return;
  ObjectReader reader(object.context(), *value, object.path_of("compat"));
  compat.crossbar_permissions = reader.choice("permissions", {"correct", "crossbar"}, 0) == 1;
  compat.role_authorization_cache = reader.choice("authorization_cache", {"authid", "role"}, 0) == 1;
  reader.finish();
}

/// Rules that Crossbar and the correct algorithm read differently.
void warn_of_differences(LoadContext& context, const Role& role, const std::string& path) {
  const auto* fixed = std::get_if<StaticPermissions>(&role.permissions);
  if (fixed == nullptr) return;
  for (std::size_t i = 0; i < fixed->permissions.size(); ++i) {
    const Permission& rule = fixed->permissions[i];
    const std::string rule_path = path + ".permissions[" + std::to_string(i) + "]";
    if (rule.match == Match::wildcard && rule.uri.find("..") == std::string::npos) {
      context.warn(rule_path, "the wildcard pattern \"" + rule.uri + "\" never matches in Crossbar, and does here");
    }
    for (const Permission& other : fixed->permissions) {
      if (rule.match == Match::prefix && other.match == Match::exact && other.uri != rule.uri &&
          other.uri.starts_with(rule.uri)) {
        context.warn(rule_path, "Crossbar does not apply this prefix to URIs that begin with \"" + other.uri +
                                    "\", which has a rule of its own; here it applies to all but that one URI");
        break;
      }
    }
  }
}

}  // namespace

void convert_starred_uri(std::string& uri, Match& match) {
  const auto stars = std::count(uri.begin(), uri.end(), '*');
  match = Match::exact;
  if (stars == 0) return;
  match = stars == 1 && uri.back() == '*' ? Match::prefix : Match::wildcard;
  std::erase(uri, '*');
}

Realm load_realm(LoadContext& context, const Json& value, const std::string& path) {
  ObjectReader object(context, value, path);
  Realm realm;
  realm.id = object.text_or("id", "");
  if (realm.id.empty()) realm.id = context.next_id("realm");
  realm.name = object.required_text("name", "the realm's name");
  if (!realm.name.empty() && !is_realm_name(realm.name)) {
    context.error(object.path_of("name"), show(realm.name) + " is not a valid WAMP realm name",
                  "a letter, then 2 to 254 letters, digits and _ - @ .");
  }
  load_options(object, realm);
  load_compat(object, realm.compat);
  load_limits(object, realm.limits);
  std::set<std::string> names;
  each_item(object, "roles", [&](const Json& item, const std::string& item_path) {
    Role role = load_role(context, item, item_path);
    if (role.name == "trusted") {
      context.error(item_path + ".name", "the role \"trusted\" is built in", "another name");
    } else if (!role.name.empty() && !names.insert(role.name).second) {
      context.error(item_path + ".name", "there is already a role \"" + role.name + "\" in this realm");
    }
    if (!realm.compat.crossbar_permissions) warn_of_differences(context, role, item_path);
    realm.roles.push_back(std::move(role));
  });
  if (const Json* store = object.find("store")) realm.store = load_store(context, *store, object.path_of("store"));
  if (const Json* mailboxes = object.find("mailboxes")) {
    realm.mailboxes = load_mailboxes(context, *mailboxes, object.path_of("mailboxes"), realm.name);
  }
  realm.clustered = object.boolean("clustered", false);
  for (const std::string_view key : {"stats", "inventory", "rlinks"}) {
    if (object.find(key) != nullptr) {
      context.unsupported(object.path_of(key), "\"" + std::string(key) + "\" of a realm is not available");
    }
  }
  object.finish(false);
  return realm;
}

}  // namespace crosspoint::settings
