#pragma once

#include "common/redis.hpp"
#include "common/wamp.hpp"

// Who may join, what they may do, and who is where: the procedures that the router and the browsers call.
void register_auth(const workshop::Session& session, workshop::Redis& redis);
void register_permissions(const workshop::Session& session);
void register_subscribers(const workshop::Session& session, workshop::Redis& redis);
