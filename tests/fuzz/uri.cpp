/// The rules of URIs. The input is a pattern and a URI with a line feed between them.
#include <algorithm>
#include <string_view>
#include <vector>

#include "fuzz.hpp"
#include "wamp/uri.hpp"

using namespace crosspoint::wamp;
using crosspoint::fuzz::require;

namespace {

std::vector<std::string_view> components(std::string_view uri) {
  std::vector<std::string_view> out;
  for (std::size_t start = 0;;) {
    const std::size_t dot = std::min(uri.find('.', start), uri.size());
    out.push_back(uri.substr(start, dot - start));
    if (dot == uri.size()) return out;
    start = dot + 1;
  }
}

/// The rule as the specification words it.
bool matches_by_components(std::string_view pattern, std::string_view uri) {
  const auto wanted = components(pattern);
  const auto given = components(uri);
  return std::equal(wanted.begin(), wanted.end(), given.begin(), given.end(),
                    [](std::string_view w, std::string_view g) { return w.empty() || w == g; });
}

void check_rules(std::string_view uri) {
  const bool exact = is_valid_uri(uri, UriCheck::loose);
  require(exact == is_valid_pattern(uri, Match::exact, UriCheck::loose), "an exact pattern is a URI");
  for (const UriCheck check : {UriCheck::loose, UriCheck::strict}) {
    const bool plain = is_valid_uri(uri, check);
    const bool prefix = is_valid_pattern(uri, Match::prefix, check);
    const bool wildcard = is_valid_pattern(uri, Match::wildcard, check);
    require(!plain || prefix, "a URI is a prefix");
    require(!prefix || wildcard, "a prefix is a wildcard pattern");
    require(!wildcard || is_valid_pattern(uri, Match::wildcard, UriCheck::loose), "strict URIs are loose ones");
    if (!wildcard) continue;
    const auto parts = components(uri);
    const bool complete = std::none_of(parts.begin(), parts.end(), [](auto part) { return part.empty(); });
    require(plain == complete, "a wildcard pattern without an empty component is a URI, and no other is");
  }
  require(!exact || matches_wildcard(uri, uri), "a URI matches itself");
  is_valid_realm_name(uri);
  is_reserved(uri);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t end = std::min(input.find('\n'), input.size());
  const std::string_view pattern = input.substr(0, end);
  const std::string_view uri = end < input.size() ? input.substr(end + 1) : std::string_view();
  check_rules(pattern);
  check_rules(uri);
  require(matches_wildcard(pattern, uri) == matches_by_components(pattern, uri), "wildcards match by components");
  return 0;
}
