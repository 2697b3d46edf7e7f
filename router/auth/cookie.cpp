#include <nlohmann/json.hpp>

#include "auth/methods.hpp"
#include "wamp/errors.hpp"

namespace crosspoint::auth {
namespace {

/// "cookie": who has signed in by another method comes again under the same cookie. Without such a cookie the next
/// method has its turn.
class Cookie final : public Authenticator {
 public:
  explicit Cookie(const settings::CookieAuth&) {}

  Verdict begin(const Request& request) override {
    if (request.cookie == nullptr) return NotApplicable();
    Principal principal;
    principal.realm = request.cookie->realm;
    principal.authid = request.cookie->authid;
    principal.role = request.cookie->role;
    principal.extra = request.cookie->extra;
    principal.method = request.cookie->method;
    principal.provider = "cookie";
    return Accepted{std::move(principal)};
  }
  Verdict answer(std::string_view) override {
    return Denied{std::string(wamp::kNotAuthorized), "no pending authentication"};
  }
};

}  // namespace

std::shared_ptr<const Method> make_cookie(const settings::CookieAuth& settings) {
  return std::make_shared<SimpleMethod<Cookie, settings::CookieAuth>>(settings);
}

}  // namespace crosspoint::auth
