#include "realm/meta_events.hpp"

#include <fmt/core.h>

#include <array>

namespace crosspoint::realm {

std::string_view topic_of(SubscriptionEvent event) {
  constexpr std::array<std::string_view, 4> kTopics{"wamp.subscription.on_create", "wamp.subscription.on_subscribe",
                                                    "wamp.subscription.on_unsubscribe", "wamp.subscription.on_delete"};
  return kTopics[static_cast<std::size_t>(event)];
}

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

std::string_view topic_of(RegistrationEvent event) {
  constexpr std::array<std::string_view, 4> kTopics{"wamp.registration.on_create", "wamp.registration.on_register",
                                                    "wamp.registration.on_unregister", "wamp.registration.on_delete"};
  return kTopics[static_cast<std::size_t>(event)];
}

wamp::Payload report_arguments(const RegistrationReport& report) {
  const std::string second = report.event == RegistrationEvent::created ? details_json(*report.registration)
                                                                        : std::to_string(report.registration->id);
  return wamp::Payload::from_json(fmt::format("[{},{}]", report.session, second), 1);
}

wamp::Payload leave_arguments(const Identity& identity) {
  std::string json = fmt::format("[{},", identity.session);
  wamp::append_json_string(json, identity.authid);
  json += ",";
  wamp::append_json_string(json, identity.authrole);
  return wamp::Payload::from_json(json + "]", 1);
}

wamp::Payload report_arguments(const SubscriptionReport& report) {
  const std::string second = report.event == SubscriptionEvent::created ? details_json(*report.subscription)
                                                                        : std::to_string(report.subscription->id);
  return wamp::Payload::from_json(fmt::format("[{},{}]", report.session, second), 1);
}

}  // namespace crosspoint::realm
