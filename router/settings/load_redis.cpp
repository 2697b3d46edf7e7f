#include <algorithm>

#include "settings/object_reader.hpp"

namespace crosspoint::settings {
namespace {

constexpr std::string_view kUrlAllowed =
    "redis://[[user]:password@]host[:port][/database], rediss:// for TLS, or \"${NAME}\" for an environment variable";

ClientTls load_client_tls(LoadContext& context, const Json& value, const std::string& path) {
  ObjectReader object(context, value, path);
  ClientTls tls;
  const auto file = [&](std::string_view key) {
    const auto text = object.text(key);
    return text ? context.absolute(*text) : std::string();
  };
  tls.hostname = object.text_or("hostname", "");
  for (const auto& name : object.texts("ca_certificates")) tls.ca_certificates.push_back(context.absolute(name));
  if (const Json* list = object.find("ca_certificates"); list != nullptr && list->is_array() && list->empty()) {
    context.error(object.path_of("ca_certificates"), "the list is empty",
                  "at least one file, or no such key: the system's are taken then");
  }
  tls.certificate = file("certificate");
  tls.key = file("key");
  if (object.good() && tls.certificate.empty() != tls.key.empty()) {
    context.error(path, tls.key.empty() ? "\"key\" is missing" : "\"certificate\" is missing",
                  "\"certificate\" and \"key\", the paths of two PEM files, or none of them");
  }
  object.finish();
  return tls;
}

bool load_url(LoadContext& context, const Json& value, const std::string& path, RedisUrl& out, std::uint16_t port) {
  const auto text = read_secret(context, value, path);
  if (!text) return false;
  const std::string_view problem = parse_redis_url(*text, out, port);
  if (problem.empty()) return true;
  context.error(path, "the URL cannot be used: " + std::string(problem), std::string(kUrlAllowed));
  return false;
}

std::vector<RedisUrl> load_sentinels(ObjectReader& object) {
  static constexpr std::uint16_t kPort = 26379;
  std::vector<RedisUrl> sentinels;
  each_item(object, "sentinels", [&](const Json& item, const std::string& path) {
    RedisUrl& url = sentinels.emplace_back();
    if (!load_url(object.context(), item, path, url, kPort) || url.database == 0) return;
    object.context().error(path, "a sentinel has no databases", "redis://[[user]:password@]host[:port]");
  });
  if (const Json* list = object.find("sentinels"); list != nullptr && list->is_array() && list->empty()) {
    object.context().error(object.path_of("sentinels"), "the list is empty", "at least one URL, or no such key");
  }
  return sentinels;
}

}  // namespace

Redis load_redis(ObjectReader& object) {
  Redis redis;
  LoadContext& context = object.context();
  redis.sentinels = load_sentinels(object);
  const bool by_sentinel = object.find("sentinels") != nullptr;
  const Json* given = object.require("redis", kUrlAllowed);
  const std::string path = object.path_of("redis");
  const bool good = given != nullptr && load_url(context, *given, path, redis.url, by_sentinel ? 0 : 6379);
  if (good && by_sentinel && redis.url.port != 0) {
    context.error(path, "there is a port, but where the master is, is what the sentinels say",
                  "redis://[[user]:password@]name-of-the-master[/database]");
  }
  if (const Json* tls = object.find("tls")) {
    redis.tls = load_client_tls(context, *tls, object.path_of("tls"));
    const bool used = redis.url.tls || std::any_of(redis.sentinels.begin(), redis.sentinels.end(),
                                                   [](const RedisUrl& sentinel) { return sentinel.tls; });
    if (good && !used) {
      context.error(object.path_of("tls"), "no URL begins with rediss://", "a rediss:// URL, or no such key");
    }
  }
  return redis;
}

}  // namespace crosspoint::settings
