#pragma once

#include <memory>
#include <string>
#include <utility>

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
std::shared_ptr<const Method> make_cryptosign(const settings::StaticCryptosign& settings);
std::shared_ptr<const Method> make_scram(const settings::StaticScram& settings);
std::shared_ptr<const Method> make_tls(const settings::StaticTls& settings);
std::shared_ptr<const Method> make_cookie(const settings::CookieAuth& settings);
// The same with a procedure that decides.
std::shared_ptr<const Method> make_dynamic_anonymous(const settings::DynamicAuth& settings);
std::shared_ptr<const Method> make_dynamic_ticket(const settings::DynamicAuth& settings);
std::shared_ptr<const Method> make_dynamic_wampcra(const settings::DynamicAuth& settings);
std::shared_ptr<const Method> make_dynamic_cryptosign(const settings::DynamicAuth& settings);
std::shared_ptr<const Method> make_dynamic_scram(const settings::DynamicAuth& settings);
std::shared_ptr<const Method> make_dynamic_tls(const settings::DynamicAuth& settings);

/// A method whose attempts are objects of type Attempt, made from the settings.
template <class Attempt, class Settings>
class SimpleMethod final : public Method {
 public:
  explicit SimpleMethod(Settings settings) : settings_(std::move(settings)) {}
  std::unique_ptr<Authenticator> make_authenticator() const override { return std::make_unique<Attempt>(settings_); }

 private:
  Settings settings_;
};

}  // namespace crosspoint::auth
