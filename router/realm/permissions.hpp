#pragma once

#include <memory>
#include <vector>

#include "realm/role.hpp"
#include "settings/realm.hpp"

namespace crosspoint::realm {

/// The rules of a role's `permissions`. One rule decides, rules are not merged: the one whose URI is the requested one;
/// else the wildcard pattern whose literal components reach furthest; else the longest prefix; else nothing is allowed.
std::unique_ptr<const Authorizer> make_static_authorizer(std::vector<settings::Permission> permissions);

/// The same rules read as Crossbar reads them, defects included (`compat.permissions: "crossbar"`).
std::unique_ptr<const Authorizer> make_crossbar_authorizer(std::vector<settings::Permission> permissions);

}  // namespace crosspoint::realm
