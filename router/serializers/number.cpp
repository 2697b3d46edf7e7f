#include <charconv>
#include <cmath>
#include <cstdlib>
#include <string>

#include "serializers/reader.hpp"

namespace crosspoint::serializers {

bool parse_number(std::string_view text, Number& out) {
  if (text.empty()) return false;
  const char* const end = text.data() + text.size();
  if (text.find_first_of(".eE") == std::string_view::npos) {
    const bool negative = text[0] == '-';
    out = {.is = negative ? Number::Is::negative : Number::Is::natural};
    const auto read =
        negative ? std::from_chars(text.data(), end, out.negative) : std::from_chars(text.data(), end, out.natural);
    if (read.ec == std::errc{} && read.ptr == end) return true;  // else too large for an integer
  }
  out = {.is = Number::Is::real};
  const auto read = std::from_chars(text.data(), end, out.real);
  // Out of range is both, too large and too small; that one is zero, or nearly.
  if (read.ec == std::errc::result_out_of_range) out.real = std::strtod(std::string(text).c_str(), nullptr);
  return read.ptr == end && std::isfinite(out.real);
}

}  // namespace crosspoint::serializers
