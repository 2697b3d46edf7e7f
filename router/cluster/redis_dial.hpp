#pragma once

#include <string>
#include <vector>

#include "settings/redis_url.hpp"

namespace crosspoint::cluster {

/// Connects to a Redis server, signs in and selects the database. Takes its time (up to 2 s for each step): not for an
/// I/O thread. A non-blocking socket, the caller's; -1, and why in `problem`, if that is not possible. `name` is what
/// CLIENT LIST shows.
int dial_redis(const settings::RedisUrl& url, const std::string& name, std::string& problem);

/// The ids of the nodes that are there, for people. Takes its time as well. False, and why in `problem`, if Redis
/// cannot say.
bool ask_nodes(const settings::RedisUrl& url, const std::string& prefix, std::vector<std::string>& out,
               std::string& problem);

}  // namespace crosspoint::cluster
