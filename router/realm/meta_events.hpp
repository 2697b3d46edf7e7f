#pragma once

#include <string_view>

#include "realm/shard_message.hpp"
#include "realm/subscription.hpp"
#include "wamp/payload.hpp"

/// The events that a realm publishes about itself ("Subscription Meta Events", advanced profile).
namespace crosspoint::realm {

/// "wamp.subscription.on_create" and so on.
std::string_view topic_of(SubscriptionEvent event);

/// [session, {id, created, uri, match}] for on_create, [session, subscription] for the others.
wamp::Payload report_arguments(const SubscriptionReport& report);

/// {"id":..., "created":..., "uri":..., "match":...}, as JSON text.
std::string details_json(const Subscription& subscription);

/// "wamp.registration.on_create" and so on, likewise; the details of a registration have `invoke` besides.
std::string_view topic_of(RegistrationEvent event);
wamp::Payload report_arguments(const RegistrationReport& report);
std::string details_json(const Registration& registration);

inline constexpr std::string_view kSessionOnJoin = "wamp.session.on_join";
inline constexpr std::string_view kSessionOnLeave = "wamp.session.on_leave";
/// [session, authid, authrole]
wamp::Payload leave_arguments(const Identity& identity);

}  // namespace crosspoint::realm
