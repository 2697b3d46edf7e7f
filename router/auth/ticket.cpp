#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "auth/crypto.hpp"
#include "auth/dynamic.hpp"
#include "auth/methods.hpp"
#include "wamp/errors.hpp"
#include "wamp/payload.hpp"

namespace crosspoint::auth {
namespace {

/// "Ticket-based Authentication": the client shows a password.
class Ticket final : public Authenticator {
 public:
  explicit Ticket(const settings::StaticTicket& settings) : settings_(settings) {}

  Verdict begin(const Request& request) override {
    const auto at = settings_.principals.find(std::string(request.authid));
    if (at == settings_.principals.end()) {
      return Denied{std::string(wamp::kNotAuthorized),
                    fmt::format("no principal with authid \"{}\" exists", request.authid)};
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
    return Denied{std::string(wamp::kNotAuthorized), "ticket in static WAMP-Ticket authentication is invalid"};
  }

 private:
  const settings::StaticTicket& settings_;
  std::string_view ticket_;
  Principal principal_;
};

/// The same, decided by a procedure that is shown the ticket. Everybody is asked for one first.
class DynamicTicket final : public Authenticator {
 public:
  explicit DynamicTicket(const settings::DynamicAuth& settings) : settings_(settings) {}

  Verdict begin(const Request& request) override {
    realm_ = request.realm;
    authid_ = request.authid;
    authextra_ = request.authextra;
    transport_ = request.transport;
    session_ = request.session;
    return Challenge{"{}", std::nullopt};
  }
  Verdict answer(std::string_view signature) override {
    std::string ticket = ",\"ticket\":";
    wamp::append_json_string(ticket, signature);
    return make_ask(settings_, {realm_, authid_, authextra_, session_, {}, transport_}, authid_, "ticket", ticket);
  }
  Verdict on_reply(const Reply& reply) override {
    auto read = read_principal(settings_, reply);
    if (auto* denied = std::get_if<Denied>(&read)) return std::move(*denied);
    return Accepted{std::move(std::get<Principal>(read))};
  }

 private:
  const settings::DynamicAuth& settings_;
  std::string realm_;
  std::string authid_;
  std::string authextra_;
  std::string transport_;
  wamp::SessionId session_ = 0;
};

}  // namespace

std::shared_ptr<const Method> make_dynamic_ticket(const settings::DynamicAuth& settings) {
  return std::make_shared<SimpleMethod<DynamicTicket, settings::DynamicAuth>>(settings);
}

std::shared_ptr<const Method> make_ticket(const settings::StaticTicket& settings) {
  return std::make_shared<SimpleMethod<Ticket, settings::StaticTicket>>(settings);
}

}  // namespace crosspoint::auth
