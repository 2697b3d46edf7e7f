#include <fmt/core.h>

#include "auth/crypto.hpp"
#include "auth/methods.hpp"
#include "wamp/errors.hpp"

namespace crosspoint::auth {
namespace {

/// "Ticket-based Authentication": the client shows a password.
class Ticket final : public Authenticator {
 public:
  explicit Ticket(const settings::StaticTicket& settings) : settings_(settings) {}

  Verdict begin(const Request& request) override {
    const auto at = settings_.principals.find(std::string(request.authid));
    if (at == settings_.principals.end()) {
      return Denied{wamp::kNotAuthorized, fmt::format("no principal with authid \"{}\" exists", request.authid)};
    }
    ticket_ = at->second.ticket;
    principal_.authid = at->first;
    principal_.role = at->second.role.empty() ? settings_.default_role : at->second.role;
    principal_.provider = "static";
    principal_.extra = request.authextra;
    return Challenge{"{}", principal_};
  }

  Verdict answer(std::string_view signature) override {
    if (equal_secrets(signature, ticket_)) return Accepted{std::move(principal_)};
    return Denied{wamp::kNotAuthorized, "ticket in static WAMP-Ticket authentication is invalid"};
  }

 private:
  const settings::StaticTicket& settings_;
  std::string_view ticket_;
  Principal principal_;
};

class TicketMethod final : public Method {
 public:
  explicit TicketMethod(settings::StaticTicket settings) : settings_(std::move(settings)) {}
  std::unique_ptr<Authenticator> make_authenticator() const override { return std::make_unique<Ticket>(settings_); }

 private:
  settings::StaticTicket settings_;
};

}  // namespace

std::shared_ptr<const Method> make_ticket(const settings::StaticTicket& settings) {
  return std::make_shared<TicketMethod>(settings);
}

}  // namespace crosspoint::auth
