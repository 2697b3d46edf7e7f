#pragma once

#include <string>
#include <vector>

#include "settings/cluster.hpp"

namespace crosspoint::cluster {

/// The ids of the nodes that are there, for people. Takes its time: not for an I/O thread. `place` is the Redis server
/// that was asked. False, and why in `problem`, if it cannot say.
bool ask_nodes(const settings::Cluster& settings, std::vector<std::string>& out, std::string& place,
               std::string& problem);

}  // namespace crosspoint::cluster
