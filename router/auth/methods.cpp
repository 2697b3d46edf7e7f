#include "auth/methods.hpp"

#include "wamp/errors.hpp"

namespace crosspoint::auth {
namespace {

using MakeDynamic = std::shared_ptr<const Method> (*)(const settings::DynamicAuth&);

/// The methods for which a procedure can decide.
constexpr std::pair<std::string_view, MakeDynamic> kDynamic[]{
    {"anonymous", make_dynamic_anonymous},   {"ticket", make_dynamic_ticket}, {"wampcra", make_dynamic_wampcra},
    {"cryptosign", make_dynamic_cryptosign}, {"scram", make_dynamic_scram},   {"tls", make_dynamic_tls}};

}  // namespace

std::shared_ptr<const Method> make_method(const settings::AuthMethod& settings, std::string& problem) {
  if (const auto* anonymous = std::get_if<settings::StaticAnonymous>(&settings.config))
    return make_anonymous(*anonymous);
  if (const auto* ticket = std::get_if<settings::StaticTicket>(&settings.config)) return make_ticket(*ticket);
  if (const auto* wampcra = std::get_if<settings::StaticWampCra>(&settings.config)) return make_wampcra(*wampcra);
  if (const auto* cryptosign = std::get_if<settings::StaticCryptosign>(&settings.config))
    return make_cryptosign(*cryptosign);
  if (const auto* scram = std::get_if<settings::StaticScram>(&settings.config)) return make_scram(*scram);
  if (const auto* tls = std::get_if<settings::StaticTls>(&settings.config)) return make_tls(*tls);
  if (const auto* cookie = std::get_if<settings::CookieAuth>(&settings.config)) return make_cookie(*cookie);
  const auto* dynamic = std::get_if<settings::DynamicAuth>(&settings.config);
  for (const auto& [name, make] : kDynamic) {
    if (dynamic != nullptr && settings.name == name) return make(*dynamic);
  }
  problem = "the authentication method \"" + settings.name + "\"" + (dynamic != nullptr ? " of type \"dynamic\"" : "") +
            " is not available";
  return nullptr;
}

Verdict Authenticator::on_reply(const Reply&) {
  return Denied{std::string(wamp::kAuthenticationFailed), "nothing was asked"};
}

}  // namespace crosspoint::auth
