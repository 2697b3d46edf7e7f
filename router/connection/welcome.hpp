#pragma once

#include <string>

#include "connection/router.hpp"
#include "realm/realm.hpp"
#include "realm/session.hpp"
#include "transports/message_port.hpp"

namespace crosspoint::connection {

/// WELCOME.Details as JSON: realm, identity, the router's roles with their features, and Crossbar's x_cb_* attributes.
std::string welcome_details(const realm::Realm& realm, const realm::Identity& identity, const RouterNames& names,
                            const std::string& peer_address);

/// Now in UTC, as "2017-12-08T09:46:23.123Z".
std::string utc_timestamp();

}  // namespace crosspoint::connection
