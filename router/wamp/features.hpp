#pragma once

#include <span>
#include <string_view>

namespace crosspoint::wamp {

/// The advanced-profile features this router has, by the names that WELCOME.Details.roles announces. A name stands here
/// only if its behaviour is built and tested.
std::span<const std::string_view> broker_features();
std::span<const std::string_view> dealer_features();

}  // namespace crosspoint::wamp
