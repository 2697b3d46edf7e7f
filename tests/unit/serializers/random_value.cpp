#include "unit/serializers/random_value.hpp"

#include <cmath>

namespace crosspoint::test {

using nlohmann::json;

json random_value(base::Random& random, int depth) {
  const std::uint64_t kind = random.below(depth > 0 ? 9 : 7);
  const auto size = [&] { return random.below(8) == 0 ? random.below(400) : random.below(6); };
  const auto text = [&] {
    std::string made;
    for (auto left = size(); left > 0; --left) made += static_cast<char>(random.below(0x80));
    // What begins so would be binary in the other encodings.
    return (made.empty() || made[0] != '\0' ? made : "x" + made) + (random.below(2) == 0 ? "\u00fc\u20ac" : "");
  };
  switch (kind) {
    case 0:
      return nullptr;
    case 1:
      return random.below(2) == 0;
    case 2:
      return random.below(std::uint64_t{1} << random.below(64));
    case 3:
      return -1 - static_cast<std::int64_t>(random.below(std::uint64_t{1} << random.below(64)));
    case 4:
      return static_cast<double>(random.below(1000000)) / 64 - 5000;
    case 5:
      return std::ldexp(static_cast<double>(random.below(std::uint64_t{1} << 53)) + 0.1,
                        static_cast<int>(random.below(600)) - 300);
    case 6:
      return text();
    case 7: {
      json list = json::array();
      for (auto left = size(); left > 0; --left) list.push_back(random_value(random, depth - 1));
      return list;
    }
    default: {
      json dict = json::object();
      for (auto left = size(); left > 0; --left) dict[text()] = random_value(random, depth - 1);
      return dict;
    }
  }
}

}  // namespace crosspoint::test
