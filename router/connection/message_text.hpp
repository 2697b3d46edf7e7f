#pragma once

#include <string>

#include "wamp/message.hpp"

namespace crosspoint::connection {

/// A message as one line for the log: its fields, payloads cut short, and nothing secret (signatures and tickets,
/// challenges and authextra are left out).
std::string message_text(const wamp::Message& message);

}  // namespace crosspoint::connection
