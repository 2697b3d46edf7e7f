#pragma once

namespace crosspoint::node {

inline constexpr const char* kVersion = "0.1.0";

}  // namespace crosspoint::node
