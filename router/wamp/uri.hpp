#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace crosspoint::wamp {

/// How a subscription's or registration's URI is compared with a topic or procedure ("Pattern-based Subscriptions",
/// "Pattern-based Registrations", advanced profile).
enum class Match : std::uint8_t { exact, prefix, wildcard };

std::string_view to_string(Match match);
/// False if `text` names no match policy.
bool parse_match(std::string_view text, Match& out);

/// The two URI rules of the specification ("URIs", basic profile): loose forbids white space, '#' and, outside
/// patterns, empty components; strict allows only [0-9a-z_] in components.
enum class UriCheck : std::uint8_t { loose, strict };

/// Longer URIs are invalid: patterns nest as deep as they have components.
inline constexpr std::size_t kMaxUriLength = 4096;

/// True if `uri` may be published to or called: no component is empty.
bool is_valid_uri(std::string_view uri, UriCheck check);

/// True if `uri` may be subscribed to or registered under `match`. A prefix may be empty or end in a dot, a wildcard
/// pattern may have empty components anywhere.
bool is_valid_pattern(std::string_view uri, Match match, UriCheck check);

/// Reserved for the router ("wamp." as first component): sessions may neither publish to nor register such URIs.
inline bool is_reserved(std::string_view uri) { return uri.starts_with("wamp."); }

/// True if `uri` matches `pattern` component by component; an empty component of the pattern stands for any one
/// component.
bool matches_wildcard(std::string_view pattern, std::string_view uri);

/// True if `uri` matches `pattern` under `match`.
bool matches(std::string_view pattern, Match match, std::string_view uri);

/// A realm's name as Crossbar demands it: a letter, then 2 to 254 letters, digits, '_', '-', '@' or '.'; or an Ethereum
/// address (0x and 40 hexadecimal digits).
bool is_valid_realm_name(std::string_view name);

}  // namespace crosspoint::wamp
