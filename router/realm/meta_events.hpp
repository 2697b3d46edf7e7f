#pragma once

#include <string>
#include <string_view>

#include "realm/registration.hpp"
#include "realm/session.hpp"
#include "realm/subscription.hpp"
#include "wamp/payload.hpp"

/// The arguments of the events that a realm publishes about itself, and the details that meta procedures return.
namespace crosspoint::realm {

/// {"id":..., "created":..., "uri":..., "match":...}, as JSON text; the details of a registration have `invoke`
/// besides.
std::string details_json(const Subscription& subscription);
std::string details_json(const Registration& registration);

/// on_create of a subscription or registration: [session, details], with `node` in the details unless it is empty.
template <class T>
wamp::Payload creation_arguments(wamp::SessionId session, const T& created, std::string_view node) {
  std::string details = details_json(created);
  if (!node.empty()) {
    details.back() = ',';
    details += "\"node\":";
    wamp::append_json_string(details, node);
    details += "}";
  }
  return wamp::Payload::from_json("[" + std::to_string(session) + "," + details + "]", 1);
}
/// What else happens to one: [session, id]
wamp::Payload change_arguments(wamp::SessionId session, std::uint64_t id);
/// wamp.session.on_leave: [session, authid, authrole]
wamp::Payload leave_arguments(const Identity& identity);

}  // namespace crosspoint::realm
