#include "wamp/features.hpp"

#include <array>

namespace crosspoint::wamp {
namespace {

constexpr std::array<std::string_view, 4> kBroker{
    "publisher_identification",
    "publisher_exclusion",
    "subscriber_blackwhite_listing",
    "pattern_based_subscription",
};
constexpr std::array<std::string_view, 3> kDealer{
    "caller_identification",
    "pattern_based_registration",
    "shared_registration",
};

}  // namespace

std::span<const std::string_view> broker_features() { return kBroker; }
std::span<const std::string_view> dealer_features() { return kDealer; }

}  // namespace crosspoint::wamp
