#include "realm/meta_events.hpp"

#include <fmt/core.h>

#include <array>

namespace crosspoint::realm {

std::string_view topic_of(SubscriptionEvent event) {
  constexpr std::array<std::string_view, 4> kTopics{"wamp.subscription.on_create", "wamp.subscription.on_subscribe",
                                                    "wamp.subscription.on_unsubscribe", "wamp.subscription.on_delete"};
  return kTopics[static_cast<std::size_t>(event)];
}

std::string details_json(const Subscription& subscription) {
  std::string json = fmt::format("{{\"id\":{},\"created\":", subscription.id);
  wamp::append_json_string(json, subscription.created);
  json += ",\"uri\":";
  wamp::append_json_string(json, subscription.uri);
  json += ",\"match\":";
  wamp::append_json_string(json, to_string(subscription.match));
  json += "}";
  return json;
}

wamp::Payload report_arguments(const SubscriptionReport& report) {
  const std::string second = report.event == SubscriptionEvent::created ? details_json(*report.subscription)
                                                                        : std::to_string(report.subscription->id);
  return wamp::Payload::from_json(fmt::format("[{},{}]", report.session, second), 1);
}

}  // namespace crosspoint::realm
