#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

/// What the gateways of two nodes write to each other: lists in MessagePack. No I/O.
namespace crosspoint::gateway {

/// Asks another node for something in a realm: [realm, number, name, arguments].
struct NodeAsk {
  std::string realm;
  std::uint64_t number = 0;  ///< the sender's, for the answer
  std::string name;
  nlohmann::json arguments;  ///< a list
};

/// [realm, number, value], or [realm, number] if the node cannot do it now.
struct NodeAnswer {
  std::string realm;
  std::uint64_t number = 0;
  std::optional<nlohmann::json> value;
};

std::string write(const NodeAsk& ask);
std::string write(const NodeAnswer& answer);
/// False if `text` is something else.
bool read(std::string_view text, NodeAsk& out);
bool read(std::string_view text, NodeAnswer& out);

}  // namespace crosspoint::gateway
