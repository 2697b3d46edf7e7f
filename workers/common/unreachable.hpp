#pragma once

#include <stdexcept>

namespace workshop {

/// Something that we need (an app, Redis) is not there at present: the same may work later.
class Unreachable : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace workshop
