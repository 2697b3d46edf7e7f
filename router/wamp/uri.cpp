#include "wamp/uri.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace crosspoint::wamp {
namespace {

enum CharClass : std::uint8_t { kForbidden = 0, kLooseOnly = 1, kStrict = 2, kLead = 3 };

constexpr std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> classes{};
  for (unsigned c = 0x21; c < 0x7f; ++c) classes[c] = kLooseOnly;
  classes['#'] = kForbidden;
  for (unsigned c = '0'; c <= '9'; ++c) classes[c] = kStrict;
  for (unsigned c = 'a'; c <= 'z'; ++c) classes[c] = kStrict;
  classes['_'] = kStrict;
  for (unsigned c = 0; c < 0x21; ++c)
    classes[c] = (c >= 9 && c <= 13) || (c >= 28 && c <= 32) ? kForbidden : kLooseOnly;
  classes[0x7f] = kLooseOnly;
  for (unsigned c = 0x80; c < 0x100; ++c) classes[c] = kLooseOnly;
  for (const unsigned c : {0xc2U, 0xe1U, 0xe2U, 0xe3U}) classes[c] = kLead;  // may begin a Unicode space
  return classes;
}
constexpr auto kClasses = make_classes();

/// True if `text` begins with a white space character beyond ASCII: U+0085, U+00A0, U+1680, U+2000 to U+200A, U+2028,
/// U+2029, U+202F, U+205F, U+3000.
bool begins_with_unicode_space(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(i < text.size() ? text[i] : 0); };
  if (at(0) == 0xc2) return at(1) == 0x85 || at(1) == 0xa0;
  if (at(0) == 0xe1) return at(1) == 0x9a && at(2) == 0x80;
  if (at(0) == 0xe3) return at(1) == 0x80 && at(2) == 0x80;
  if (at(0) != 0xe2) return false;
  if (at(1) == 0x81) return at(2) == 0x9f;
  return at(1) == 0x80 && ((at(2) >= 0x80 && at(2) <= 0x8a) || at(2) == 0xa8 || at(2) == 0xa9 || at(2) == 0xaf);
}

enum class Empty { nowhere, last, anywhere };

bool is_valid(std::string_view uri, UriCheck check, Empty allowed) {
  if (uri.size() > kMaxUriLength) return false;
  bool component_empty = true;
  for (std::size_t i = 0; i < uri.size(); ++i) {
    const auto c = static_cast<unsigned char>(uri[i]);
    if (c == '.') {
      if (component_empty && allowed != Empty::anywhere) return false;
      component_empty = true;
      continue;
    }
    component_empty = false;
    const std::uint8_t kind = kClasses[c];
    if (kind == kStrict) continue;
    if (kind == kForbidden || check == UriCheck::strict) return false;
    if (kind == kLead && begins_with_unicode_space(uri.substr(i))) return false;
  }
  return !component_empty || allowed != Empty::nowhere;
}

}  // namespace

bool parse_match(std::string_view text, Match& out) {
  for (const Match match : {Match::exact, Match::prefix, Match::wildcard}) {
    if (text != to_string(match)) continue;
    out = match;
    return true;
  }
  return false;
}

std::string_view to_string(Match match) {
  constexpr std::array<std::string_view, 3> kNames{"exact", "prefix", "wildcard"};
  return kNames[static_cast<std::size_t>(match)];
}

bool is_valid_uri(std::string_view uri, UriCheck check) { return is_valid(uri, check, Empty::nowhere); }

bool is_valid_pattern(std::string_view uri, Match match, UriCheck check) {
  constexpr std::array<Empty, 3> kAllowed{Empty::nowhere, Empty::last, Empty::anywhere};
  return is_valid(uri, check, kAllowed[static_cast<std::size_t>(match)]);
}

bool matches_wildcard(std::string_view pattern, std::string_view uri) {
  for (;;) {
    const std::size_t pattern_end = std::min(pattern.find('.'), pattern.size());
    const std::size_t uri_end = std::min(uri.find('.'), uri.size());
    if (pattern_end != 0 && pattern.substr(0, pattern_end) != uri.substr(0, uri_end)) return false;
    const bool pattern_done = pattern_end == pattern.size();
    const bool uri_done = uri_end == uri.size();
    if (pattern_done || uri_done) return pattern_done && uri_done;
    pattern.remove_prefix(pattern_end + 1);
    uri.remove_prefix(uri_end + 1);
  }
}

bool matches(std::string_view pattern, Match match, std::string_view uri) {
  if (match == Match::exact) return pattern == uri;
  return match == Match::prefix ? uri.starts_with(pattern) : matches_wildcard(pattern, uri);
}

bool is_valid_realm_name(std::string_view name) {
  const auto all = [](std::string_view text, auto&& good) { return std::all_of(text.begin(), text.end(), good); };
  if (name.size() == 42 && name.starts_with("0x") &&
      all(name.substr(2), [](unsigned char c) { return std::isxdigit(c) != 0; })) {
    return true;
  }
  if (name.size() < 3 || name.size() > 255 || std::isalpha(static_cast<unsigned char>(name[0])) == 0) return false;
  return all(name, [](unsigned char c) {
    return (std::isalnum(c) != 0 && c < 0x80) || c == '_' || c == '-' || c == '@' || c == '.';
  });
}

}  // namespace crosspoint::wamp
