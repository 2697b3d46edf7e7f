#include "realm/meta_events.hpp"

#include <fmt/core.h>

namespace crosspoint::realm {

namespace {

/// The details of a subscription or registration, without the bracket at the end.
template <class T>
std::string details_start(const T& what) {
  std::string json = fmt::format("{{\"id\":{},\"created\":", what.id);
  wamp::append_json_string(json, what.created);
  json += ",\"uri\":";
  wamp::append_json_string(json, what.uri);
  json += ",\"match\":";
  wamp::append_json_string(json, to_string(what.match));
  return json;
}

}  // namespace

std::string details_json(const Subscription& subscription) { return details_start(subscription) + "}"; }

std::string details_json(const Registration& registration) {
  std::string json = details_start(registration) + ",\"invoke\":";
  wamp::append_json_string(json, to_string(registration.invoke));
  return json + "}";
}

wamp::Payload change_arguments(wamp::SessionId session, std::uint64_t id) {
  return wamp::Payload::from_json(fmt::format("[{},{}]", session, id), 1);
}

wamp::Payload leave_arguments(const Identity& identity) {
  std::string json = fmt::format("[{},", identity.session);
  wamp::append_json_string(json, identity.authid);
  json += ",";
  wamp::append_json_string(json, identity.authrole);
  return wamp::Payload::from_json(json + "]", 1);
}

}  // namespace crosspoint::realm
