#pragma once

#include <string>
#include <vector>

#include "settings/endpoint.hpp"
#include "transports/listening_socket.hpp"

namespace crosspoint::node {

/// Opens the listening socket of an endpoint. If that is not possible, `problem` says why and the result holds nothing.
transports::ListeningSocket open_socket(const settings::Endpoint& endpoint, std::string& problem);

/// Listening sockets that systemd has opened for this process ("socket activation": the environment variables
/// LISTEN_PID and LISTEN_FDS, and descriptors from 3 on). An endpoint of the configuration takes the one that is where
/// it would listen itself.
class InheritedSockets {
 public:
  /// Takes over what there is, and the variables from the environment, so that guests do not see them.
  static InheritedSockets from_environment();

  /// The socket for an endpoint; holds nothing if there is none.
  transports::ListeningSocket take(const settings::Endpoint& endpoint);
  /// Closes those that no endpoint has taken, with a warning for each.
  void close_rest();

 private:
  std::vector<transports::ListeningSocket> sockets_;
};

}  // namespace crosspoint::node
