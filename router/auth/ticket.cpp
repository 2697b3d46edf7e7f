#include <nlohmann/json.hpp>
#include <vector>

#include "auth/crypto.hpp"
#include "auth/dynamic.hpp"
#include "auth/methods.hpp"
#include "auth/stand_ins.hpp"
#include "wamp/errors.hpp"
#include "wamp/payload.hpp"

namespace crosspoint::auth {
namespace {

/// The users of an endpoint.
class Users {
 public:
  explicit Users(const settings::StaticTicket& settings) : settings_(settings), stand_ins_("ticket", all_secrets()) {
    for (const auto& [authid, user] : settings_.principals) list_.push_back(&user);
  }
  Users(const Users&) = delete;
  Users& operator=(const Users&) = delete;

  /// Whom a client claims to be, or a stand-in with a ticket that nobody knows; made for those who exist as well, for
  /// the time that it takes. True if there is such a user.
  bool find(const std::string& authid, settings::TicketPrincipal& out) const {
    const std::string seed = stand_ins_.seed(authid);
    out.ticket = hmac_sha256_base64(seed, "ticket");
    if (!list_.empty()) out.role = list_[StandIns::choose(seed, list_.size())]->role;
    const auto at = settings_.principals.find(authid);
    const bool exists = at != settings_.principals.end();
    if (exists) out = at->second;
    if (out.role.empty()) out.role = settings_.default_role;
    return exists;
  }

 private:
  std::string all_secrets() const {
    std::string all;
    for (const auto& [authid, user] : settings_.principals) all += user.ticket + "\n";
    return all;
  }

  const settings::StaticTicket settings_;
  std::vector<const settings::TicketPrincipal*> list_;
  const StandIns stand_ins_;
};

/// "Ticket-based Authentication": the client shows a password. Whether it is the name or the password that is wrong is
/// not told.
class Ticket final : public Authenticator {
 public:
  explicit Ticket(const Users& users) : users_(users) {}

  Verdict begin(const Request& request) override {
    principal_.authid = request.authid;
    exists_ = users_.find(principal_.authid, user_);
    principal_.role = user_.role;
    principal_.provider = "static";
    principal_.extra = request.authextra;
    return Challenge{"{}", principal_};
  }

  Verdict answer(std::string_view signature) override {
    const bool right = equal_secrets(sha256(signature), sha256(user_.ticket));
    if (right && exists_) return Accepted{std::move(principal_)};
    return Denied{std::string(wamp::kNotAuthorized), "ticket in static WAMP-Ticket authentication is invalid"};
  }

 private:
  const Users& users_;
  settings::TicketPrincipal user_;
  Principal principal_;
  bool exists_ = false;
};

class StaticTicketMethod final : public Method {
 public:
  explicit StaticTicketMethod(const settings::StaticTicket& settings) : users_(settings) {}
  std::unique_ptr<Authenticator> make_authenticator() const override { return std::make_unique<Ticket>(users_); }

 private:
  const Users users_;
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
  return std::make_shared<StaticTicketMethod>(settings);
}

}  // namespace crosspoint::auth
