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

bool load_url(LoadContext& context, const Json& value, const std::string& path, RedisUrl& out) {
  const auto text = read_secret(context, value, path);
  if (!text) return false;
  const std::string_view problem = parse_redis_url(*text, out);
  if (problem.empty()) return true;
  context.error(path, "the URL cannot be used: " + std::string(problem), std::string(kUrlAllowed));
  return false;
}

}  // namespace

Redis load_redis(ObjectReader& object) {
  Redis redis;
  LoadContext& context = object.context();
  const Json* given = object.require("redis", kUrlAllowed);
  const bool good = given != nullptr && load_url(context, *given, object.path_of("redis"), redis.url);
  if (const Json* tls = object.find("tls")) {
    redis.tls = load_client_tls(context, *tls, object.path_of("tls"));
    if (good && !redis.url.tls) {
      context.error(object.path_of("tls"), "the URL does not begin with rediss://", "a rediss:// URL, or no such key");
    }
  }
  return redis;
}

}  // namespace crosspoint::settings
