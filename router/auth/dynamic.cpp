#include "auth/dynamic.hpp"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "wamp/errors.hpp"
#include "wamp/payload.hpp"

namespace crosspoint::auth {
namespace {

using nlohmann::json;

void append_text_or_null(std::string& out, std::string_view text) {
  if (text.empty()) {
    out += "null";
  } else {
    wamp::append_json_string(out, text);
  }
}

/// False if the member is there and no text.
bool read_text(const json& value, const char* name, std::string& out) {
  const auto at = value.find(name);
  if (at == value.end() || at->is_null()) return true;
  if (!at->is_string()) return false;
  out = at->get<std::string>();
  return true;
}

}  // namespace

Ask make_ask(const settings::DynamicAuth& settings, const Request& request, std::string_view authid,
             std::string_view method, std::string_view more) {
  std::string arguments = "[";
  append_text_or_null(arguments, request.realm);
  arguments += ",";
  append_text_or_null(arguments, authid);
  arguments += fmt::format(",{{\"session\":{},\"authmethod\":\"{}\",\"authextra\":{},\"transport\":{}", request.session,
                           method, request.authextra.empty() ? "null" : request.authextra,
                           request.transport.empty() ? "{}" : request.transport);
  arguments += more;
  arguments += "}]";
  return {settings.authenticator_realm, settings.authenticator_role, settings.authenticator, std::move(arguments),
          settings.timeout};
}

Denied invalid_return(const json& value) {
  return {std::string(wamp::kAuthenticationFailed),
          fmt::format("got invalid return type \"{}\" from dynamic authenticator", value.type_name())};
}

std::variant<Principal, Denied> read_principal(const settings::DynamicAuth& settings, const Reply& reply) {
  if (reply.error == wamp::kTimeout) {
    return Denied{std::string(wamp::kAuthenticationFailed),
                  fmt::format("dynamic authenticator failed: {}", reply.message)};
  }
  if (!reply.error.empty()) return Denied{reply.error, reply.message};
  Principal principal;
  principal.provider = "dynamic";
  const json& value = reply.value;
  if (value.is_string()) {
    principal.role = value.get<std::string>();
  } else if (value.is_object()) {
    const auto extra = value.find("extra");
    const bool has_extra = extra != value.end() && !extra->is_null();
    if (!read_text(value, "role", principal.role) || !read_text(value, "authid", principal.authid) ||
        !read_text(value, "realm", principal.realm) || (has_extra && !extra->is_object())) {
      return Denied{std::string(wamp::kAuthenticationFailed),
                    "dynamic authenticator failed: role, authid and realm must be strings, extra a dictionary"};
    }
    if (has_extra) principal.extra = extra->dump(-1, ' ', false, json::error_handler_t::replace);
  } else {
    return invalid_return(value);
  }
  if (principal.role.empty()) principal.role = settings.default_role;
  return principal;
}

}  // namespace crosspoint::auth
