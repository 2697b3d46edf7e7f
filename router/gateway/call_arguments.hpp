#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>

/// What a call of one of the router's procedures has been given; null for what is not there.
namespace crosspoint::gateway {

inline nlohmann::json argument(const nlohmann::json& arguments, std::size_t place) {
  return place < arguments.size() ? arguments[place] : nlohmann::json();
}

inline nlohmann::json keyword(const nlohmann::json& keywords, const char* name) {
  const auto at = keywords.find(name);
  return at != keywords.end() ? *at : nlohmann::json();
}

}  // namespace crosspoint::gateway
