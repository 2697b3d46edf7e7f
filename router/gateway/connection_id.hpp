#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace crosspoint::gateway {

/// Names a connection to workers: which run of which node has it (a random number, so that ids are unique across nodes
/// and starts), which of its threads, and a number that this thread gives once. As text three hexadecimal numbers:
/// "00c4f1a09be37d52-1-2a".
struct ConnectionId {
  std::uint64_t node = 0;
  unsigned thread = 0;
  std::uint64_t number = 0;

  bool operator==(const ConnectionId&) const = default;
};

std::string to_string(const ConnectionId& id);
/// Nothing if `text` is no id.
std::optional<ConnectionId> parse_connection_id(std::string_view text);

}  // namespace crosspoint::gateway
