#pragma once

#include "transports/message_port.hpp"

namespace crosspoint::transports {

/// Sends every message back as it came, so that the WebSocket layer can be tested by itself ("websocket-testee").
MessageHandlerFactory& echo_endpoint();

}  // namespace crosspoint::transports
