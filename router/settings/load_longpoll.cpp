#include <algorithm>
#include <cctype>

#include "settings/object_reader.hpp"

namespace crosspoint::settings {
namespace {

constexpr std::int64_t kDay = 86400;

bool is_id(const std::string& text) {
  return !text.empty() && text != "open" && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return (c < 0x80 && std::isalnum(c) != 0) || c == '_' || c == '-';
  });
}

}  // namespace

LongPoll load_longpoll(ObjectReader& object) {
  LongPoll out;
  out.auth = load_auth(object);
  const Json* value = object.find("options");
  if (value == nullptr) return out;
  ObjectReader options(object.context(), *value, object.path_of("options"));
  const auto number = [&](std::string_view key, std::int64_t most, auto& target) {
    if (const auto given = options.integer(key, 1, most)) target = static_cast<std::decay_t<decltype(target)>>(*given);
  };
  options.boolean("debug", false);
  if (const auto id = options.text("debug_transport_id")) {
    out.debug_transport_id = *id;
    if (!is_id(*id)) {
      options.context().error(options.path_of("debug_transport_id"), "\"" + *id + "\" cannot be used",
                              "letters, digits, '_' and '-', but not \"open\"");
    }
    options.context().warn(options.path_of("debug_transport_id"), "whoever knows it can use other people's sessions",
                           "leave it out but for debugging");
  }
  number("request_timeout", kDay, out.request_timeout);
  number("session_timeout", kDay, out.session_timeout);
  number("queue_limit_bytes", 1024 * 1024 * 1024, out.queue_limit_bytes);
  number("queue_limit_messages", 1'000'000, out.queue_limit_messages);
  number("transport_limit", 1'000'000, out.transport_limit);
  options.finish();
  return out;
}

}  // namespace crosspoint::settings
