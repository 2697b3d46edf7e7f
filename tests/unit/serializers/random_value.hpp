#pragma once

#include <nlohmann/json.hpp>

#include "base/random.hpp"

namespace crosspoint::test {

/// A value of any kind, with lists and dictionaries up to `depth` in one another; no binary values.
nlohmann::json random_value(base::Random& random, int depth);

}  // namespace crosspoint::test
