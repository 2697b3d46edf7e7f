#include "wamp/features.hpp"

#include <array>

namespace crosspoint::wamp {
namespace {

constexpr std::array<std::string_view, 11> kBroker{
    "publisher_identification",
    "publisher_exclusion",
    "subscriber_blackwhite_listing",
    "pattern_based_subscription",
    "payload_passthru_mode",
    "subscription_meta_api",
    "session_meta_api",
    "event_retention",
    "subscription_revocation",
    "event_history",
    "publication_trustlevels",
};
constexpr std::array<std::string_view, 14> kDealer{
    "caller_identification",
    "pattern_based_registration",
    "shared_registration",
    "call_canceling",
    "call_timeout",
    "call_reroute",
    "call_trustlevels",
    "progressive_call_results",
    "progressive_call_invocations",
    "registration_revocation",
    "payload_passthru_mode",
    "registration_meta_api",
    "session_meta_api",
    "testament_meta_api",
};

}  // namespace

std::span<const std::string_view> broker_features() { return kBroker; }
std::span<const std::string_view> dealer_features() { return kDealer; }

}  // namespace crosspoint::wamp
