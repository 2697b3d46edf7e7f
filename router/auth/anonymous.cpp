#include <nlohmann/json.hpp>

#include "auth/crypto.hpp"
#include "auth/dynamic.hpp"
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
  Verdict answer(std::string_view) override {
    return Denied{std::string(wamp::kNotAuthorized), "no pending authentication"};
  }

 private:
  const settings::StaticAnonymous& settings_;
};

/// The same, decided by a procedure.
class DynamicAnonymous final : public Authenticator {
 public:
  explicit DynamicAnonymous(const settings::DynamicAuth& settings) : settings_(settings) {}

  Verdict begin(const Request& request) override {
    authid_ = random_authid();
    return make_ask(settings_, request, authid_, "anonymous");
  }
  Verdict answer(std::string_view) override {
    return Denied{std::string(wamp::kNotAuthorized), "no pending authentication"};
  }
  Verdict on_reply(const Reply& reply) override {
    auto read = read_principal(settings_, reply);
    if (auto* denied = std::get_if<Denied>(&read)) return std::move(*denied);
    auto& principal = std::get<Principal>(read);
    if (principal.authid.empty()) principal.authid = std::move(authid_);
    return Accepted{std::move(principal)};
  }

 private:
  const settings::DynamicAuth& settings_;
  std::string authid_;
};

}  // namespace

std::shared_ptr<const Method> make_dynamic_anonymous(const settings::DynamicAuth& settings) {
  return std::make_shared<SimpleMethod<DynamicAnonymous, settings::DynamicAuth>>(settings);
}

std::shared_ptr<const Method> make_anonymous(const settings::StaticAnonymous& settings) {
  return std::make_shared<SimpleMethod<Anonymous, settings::StaticAnonymous>>(settings);
}

}  // namespace crosspoint::auth
