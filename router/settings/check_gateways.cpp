#include <algorithm>
#include <set>

#include "settings/object_reader.hpp"

namespace crosspoint::settings {
namespace {

class Checker {
 public:
  Checker(LoadContext& context, const RouterWorker& router) : context_(context), router_(router) {}

  void check(const std::vector<WebPath>& paths) {
    for (const WebPath& path : paths) {
      if (const auto* gateway = std::get_if<Gateway>(&path.service)) check(*gateway);
      if (const auto* nested = std::get_if<PathService>(&path.service)) check(nested->paths);
    }
  }

 private:
  void check(const Gateway& gateway) {
    if (gateway.realm.empty() || gateway.role.empty()) return;  // reported already
    const auto realm = std::find_if(router_.realms.begin(), router_.realms.end(),
                                    [&](const Realm& candidate) { return candidate.name == gateway.realm; });
    if (realm == router_.realms.end()) {
      return context_.error(gateway.path + ".realm", "there is no realm \"" + gateway.realm + "\"",
                            "a realm of this worker");
    }
    const auto role = std::find_if(realm->roles.begin(), realm->roles.end(),
                                   [&](const Role& candidate) { return candidate.name == gateway.role; });
    if (role == realm->roles.end()) {
      context_.error(gateway.path + ".role", "there is no role \"" + gateway.role + "\" in this realm",
                     "a role of \"" + gateway.realm + "\"");
    } else if (std::holds_alternative<DynamicPermissions>(role->permissions)) {
      context_.error(gateway.path + ".role", "the role \"" + gateway.role + "\" has a dynamic authorizer",
                     "a role with permissions");
    }
    if (!gateway.route.empty() && !routes_.emplace(gateway.realm, gateway.route).second) {
      context_.error(gateway.path + ".route", "there is already a route \"" + gateway.route + "\" in this realm",
                     "another name");
    }
  }

  LoadContext& context_;
  const RouterWorker& router_;
  std::set<std::pair<std::string, std::string>> routes_;
};

}  // namespace

void check_gateways(LoadContext& context, const RouterWorker& router) {
  Checker checker(context, router);
  for (const Transport& transport : router.transports) {
    if (const auto* web = std::get_if<Web>(&transport.kind)) checker.check(web->paths);
    const auto* universal = std::get_if<Universal>(&transport.kind);
    if (universal != nullptr && universal->web) checker.check(universal->web->paths);
  }
}

}  // namespace crosspoint::settings
