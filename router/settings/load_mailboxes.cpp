#include "settings/object_reader.hpp"

namespace crosspoint::settings {
namespace {

/// Where the server is not given as a URL.
RedisUrl load_address(ObjectReader& object) {
  RedisUrl url;
  url.host = object.text_or("host", "127.0.0.1");
  url.port = static_cast<std::uint16_t>(object.integer("port", 1, 65535).value_or(url.port));
  if (object.find("password") != nullptr) url.password = object.required_secret("password");
  url.database = static_cast<std::uint32_t>(object.integer("database", 0, INT32_MAX).value_or(0));
  return url;
}

void load_server(ObjectReader& object, Redis& out) {
  if (object.find("redis") == nullptr) {
    out.url = load_address(object);
    return;
  }
  out = load_redis(object);
  for (const char* key : {"host", "port", "password", "database"}) {
    if (object.find(key) == nullptr) continue;
    object.context().error(object.path_of(key), "the URL under \"redis\" says that already",
                           "\"redis\", or host, port, password and database");
  }
}

}  // namespace

Mailboxes load_mailboxes(LoadContext& context, const Json& value, const std::string& path, const std::string& realm) {
  ObjectReader object(context, value, path);
  Mailboxes mailboxes;
  object.require("type", "memory, sqlite or redis");
  mailboxes.type = static_cast<Mailboxes::Type>(object.choice("type", {"memory", "sqlite", "redis"}, 0));
  if (mailboxes.type == Mailboxes::Type::sqlite) {
    mailboxes.path = context.absolute(object.required_text("path", "a file's name"));
  }
  if (mailboxes.type == Mailboxes::Type::redis) {
    load_server(object, mailboxes.redis);
    mailboxes.prefix = object.text_or("prefix", "crosspoint:" + realm + ":");
  }
  const auto read = [&object](std::string_view key, std::int64_t most, auto& out) {
    using Number = std::remove_reference_t<decltype(out)>;
    if (const auto given = object.integer(key, 1, most)) out = static_cast<Number>(*given);
  };
  constexpr std::int64_t kTenYears = std::int64_t{10} * 365 * 24 * 3600;
  read("lifetime", kTenYears, mailboxes.lifetime);
  read("timeout", 3600, mailboxes.timeout);
  read("max_identities", INT32_MAX, mailboxes.max_identities);
  read("max_messages", INT32_MAX, mailboxes.max_messages);
  read("max_mailbox_bytes", INT64_MAX, mailboxes.max_mailbox_bytes);
  read("max_bytes", INT64_MAX, mailboxes.max_bytes);
  object.finish();
  return mailboxes;
}

}  // namespace crosspoint::settings
