#pragma once

#include <string>
#include <variant>

#include "auth/authenticator.hpp"
#include "settings/auth.hpp"

/// What the methods have in common when a procedure decides (`type: dynamic`).
namespace crosspoint::auth {

/// The call of the authenticator: [realm, authid, details]. `details` has session, transport, authmethod and authextra;
/// `more` is added to it: JSON text of members, each with a comma before it.
Ask make_ask(const settings::DynamicAuth& settings, const Request& request, std::string_view authid,
             std::string_view method, std::string_view more = {});

/// Whom the reply lets in: a role, or a dictionary with role, authid, realm and extra, all optional.
std::variant<Principal, Denied> read_principal(const settings::DynamicAuth& settings, const Reply& reply);

/// The answer to a reply with a value that no method accepts.
Denied invalid_return(const nlohmann::json& value);

}  // namespace crosspoint::auth
