#include "auth/methods.hpp"

namespace crosspoint::auth {

std::shared_ptr<const Method> make_method(const settings::AuthMethod& settings, std::string& problem) {
  if (const auto* anonymous = std::get_if<settings::StaticAnonymous>(&settings.config))
    return make_anonymous(*anonymous);
  if (const auto* ticket = std::get_if<settings::StaticTicket>(&settings.config)) return make_ticket(*ticket);
  if (const auto* wampcra = std::get_if<settings::StaticWampCra>(&settings.config)) return make_wampcra(*wampcra);
  const bool dynamic = std::holds_alternative<settings::DynamicAuth>(settings.config);
  problem = "the authentication method \"" + settings.name + "\"" + (dynamic ? " of type \"dynamic\"" : "") +
            " is not available";
  return nullptr;
}

}  // namespace crosspoint::auth
