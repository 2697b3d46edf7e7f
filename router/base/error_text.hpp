#pragma once

#include <string>
#include <system_error>

namespace crosspoint::base {

/// What the system says of a value of errno, for people. Any thread may ask, as it may not with strerror().
inline std::string error_text(int number) { return std::generic_category().message(number); }

}  // namespace crosspoint::base
