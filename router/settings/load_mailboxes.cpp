#include "settings/object_reader.hpp"

namespace crosspoint::settings {
namespace {

void load_redis(ObjectReader& object, const std::string& realm, Mailboxes::Redis& redis) {
  redis.host = object.text_or("host", "127.0.0.1");
  redis.port = static_cast<std::uint16_t>(object.integer("port", 1, 65535).value_or(redis.port));
  if (const Json* password = object.find("password"); password != nullptr) {
    redis.password = object.required_secret("password");
  }
  redis.database = static_cast<std::uint32_t>(object.integer("database", 0, INT32_MAX).value_or(0));
  redis.prefix = object.text_or("prefix", "crosspoint:" + realm + ":");
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
  if (mailboxes.type == Mailboxes::Type::redis) load_redis(object, realm, mailboxes.redis);
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
