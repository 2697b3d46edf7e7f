#pragma once

namespace crosspoint::node {

/// Tells systemd, if it started us and wants to know, that the node is up (sd_notify's protocol: READY=1 to the socket
/// in $NOTIFY_SOCKET).
void notify_ready();

}  // namespace crosspoint::node
