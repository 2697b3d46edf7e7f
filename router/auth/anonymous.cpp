#include "auth/crypto.hpp"
#include "auth/methods.hpp"
#include "wamp/errors.hpp"

namespace crosspoint::auth {
namespace {

/// "Anonymous": everybody, under a configured role.
class Anonymous final : public Authenticator {
 public:
  explicit Anonymous(const settings::StaticAnonymous& settings) : settings_(settings) {}

  Verdict begin(const Request& request) override {
    Principal principal;
    principal.authid = settings_.authid.empty() ? random_authid() : settings_.authid;
    principal.role = settings_.role;
    principal.provider = "static";
    principal.extra = request.authextra;
    return Accepted{std::move(principal)};
  }
  Verdict answer(std::string_view) override { return Denied{wamp::kNotAuthorized, "no pending authentication"}; }

 private:
  const settings::StaticAnonymous& settings_;
};

class AnonymousMethod final : public Method {
 public:
  explicit AnonymousMethod(settings::StaticAnonymous settings) : settings_(std::move(settings)) {}
  std::unique_ptr<Authenticator> make_authenticator() const override { return std::make_unique<Anonymous>(settings_); }

 private:
  settings::StaticAnonymous settings_;
};

}  // namespace

std::shared_ptr<const Method> make_anonymous(const settings::StaticAnonymous& settings) {
  return std::make_shared<AnonymousMethod>(settings);
}

}  // namespace crosspoint::auth
