#include "connection/endpoint.hpp"

#include "connection/connection.hpp"

namespace crosspoint::connection {

std::unique_ptr<transports::MessageHandler> Endpoint::make_handler(transports::MessagePort& port) {
  return std::make_unique<Connection>(port, *this, router_);
}

}  // namespace crosspoint::connection
