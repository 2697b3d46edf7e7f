#pragma once

#include <memory>
#include <string>

#include "auth/authenticator.hpp"
#include "settings/auth.hpp"

namespace crosspoint::auth {

/// The method that an endpoint's settings describe. nullptr, with the reason in `problem`, if there is none of that
/// kind here.
std::shared_ptr<const Method> make_method(const settings::AuthMethod& settings, std::string& problem);

// One file each.
std::shared_ptr<const Method> make_anonymous(const settings::StaticAnonymous& settings);
std::shared_ptr<const Method> make_ticket(const settings::StaticTicket& settings);
std::shared_ptr<const Method> make_wampcra(const settings::StaticWampCra& settings);

}  // namespace crosspoint::auth
