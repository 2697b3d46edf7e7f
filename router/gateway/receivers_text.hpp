#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/mailboxes.hpp"

/// Receivers as the nodes that share mailboxes write them, for each other and for the store. No I/O.
namespace crosspoint::gateway {

/// [0 for a connection or 1 for a procedure, name, via].
nlohmann::json to_value(const Receiver& receiver);
/// False if it is something else.
bool read_receiver(const nlohmann::json& value, Receiver& out);

/// The random number of the start of the node that has the connection; `own` for a procedure, which any node can call.
std::uint64_t node_of(const Receiver& receiver, std::uint64_t own);

/// JSON text, a list; empty for none.
std::string write_receivers(const std::vector<Receiver>& receivers);
/// What cannot be read is left out.
void read_receivers(std::string_view text, std::vector<Receiver>& out);

}  // namespace crosspoint::gateway
