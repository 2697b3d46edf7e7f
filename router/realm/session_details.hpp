#pragma once

#include <cstddef>
#include <string>

#include "realm/session.hpp"

namespace crosspoint::realm {

/// What the session meta API and authorizers are told of a session: what its connection tells, and what others have
/// added by wamp.session.modify_details. JSON text of an object.
std::string describe(const Session& session);

/// Adds members to what is told of a session, changes or (with null) removes them; `changes` is JSON text of an object.
/// What the router itself tells stays as it is. Returns what is wrong with the changes, and then nothing has been
/// done; or an empty text.
std::string modify_details(Session& session, const std::string& changes, std::size_t most_bytes);

}  // namespace crosspoint::realm
