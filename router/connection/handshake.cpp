#include "connection/handshake.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>

#include "auth/crypto.hpp"
#include "serializers/value.hpp"
#include "wamp/errors.hpp"

namespace crosspoint::connection {
namespace {

using nlohmann::json;

/// The methods that clients may name at all (Crossbar's list).
constexpr std::array<std::string_view, 9> kKnownMethods{
    "anonymous", "ticket", "wampcra", "tls", "cookie", "cryptosign", "scram", "cryptosign-proxy", "anonymous-proxy"};

/// "['ticket', 'wampcra']", as Crossbar's messages show lists.
std::string list_text(const std::vector<std::string>& items) {
  std::string text = "[";
  for (const auto& item : items) {
    if (text.size() > 1) text += ", ";
    text += "'" + item + "'";
  }
  return text + "]";
}

bool is_role(std::string_view name) {
  return name == "publisher" || name == "subscriber" || name == "caller" || name == "callee";
}

/// HELLO.Details.roles: a dictionary with one role at least, each with a dictionary of its own.
std::string_view roles_problem(const json& details) {
  const auto roles = details.find("roles");
  if (roles == details.end() || !roles->is_object() || roles->empty()) {
    return "HELLO.Details.roles must name at least one of publisher, subscriber, caller and callee";
  }
  for (const auto& [name, role] : roles->items()) {
    if (!is_role(name)) return "HELLO.Details.roles has roles other than publisher, subscriber, caller and callee";
    if (!role.is_object()) return "a role in HELLO.Details.roles must be a dictionary";
  }
  return {};
}

realm::Announced read_announced(const json& details) {
  const json& roles = details["roles"];
  const auto has = [&roles](const char* role, const char* feature) {
    const json* value = &roles;
    for (const char* key : {role, "features", feature}) {
      if (!value->is_object() || !value->contains(key)) return false;
      value = &(*value)[key];
    }
    return value->is_boolean() && value->get<bool>();
  };
  realm::Announced announced;
  announced.call_canceling = has("callee", "call_canceling");
  announced.call_timeout = has("callee", "call_timeout");
  announced.call_reroute = has("callee", "call_reroute");
  announced.registration_revocation = has("callee", "registration_revocation");
  announced.subscription_revocation = has("subscriber", "subscription_revocation");
  return announced;
}

bool optional_text(const json& details, const char* key, std::string& out) {
  const auto at = details.find(key);
  if (at == details.end() || at->is_null()) return true;
  if (!at->is_string()) return false;
  out = at->get<std::string>();
  return true;
}

}  // namespace

/// HELLO.Details, read.
struct Handshake::Details {
  std::vector<std::string> methods;
  std::string authid;
  std::string authextra;
  std::string timestamp;
  std::string transport;
  std::vector<std::pair<std::string, std::string>> channel_ids;
  std::string peer_certificate;
  std::string cookie_id;
  std::optional<auth::CookieLogin> cookie;
};

Handshake::Action Handshake::on_hello(const wamp::Hello& hello, Moment moment) {
  const auto violation = [](std::string_view problem) {
    return Abort{std::string(wamp::kProtocolViolation), std::string(problem)};
  };
  json details;
  if (!serializers::to_value(hello.details, details)) return violation("HELLO.Details cannot be read");
  if (const auto problem = roles_problem(details); !problem.empty()) return violation(problem);
  Details read;
  read.timestamp = std::move(moment.timestamp);
  read.transport = std::move(moment.transport);
  read.channel_ids = std::move(moment.channel_ids);
  read.peer_certificate = std::move(moment.peer_certificate);
  read.cookie_id = std::move(moment.cookie_id);
  read.cookie = std::move(moment.cookie);
  if (!optional_text(details, "authid", read.authid)) return violation("HELLO.Details.authid must be a string");
  if (const auto at = details.find("authextra"); at != details.end() && !at->is_null()) {
    if (!at->is_object()) return violation("HELLO.Details.authextra must be a dictionary");
    serializers::append_value(wamp::Encoding::json, *at, read.authextra);
  }
  if (const auto at = details.find("authmethods"); at != details.end() && !at->is_null()) {
    const auto is_text = [](const json& item) { return item.is_string(); };
    if (!at->is_array() || !std::all_of(at->begin(), at->end(), is_text)) {
      return violation("HELLO.Details.authmethods must be a list of strings");
    }
    read.methods = at->get<std::vector<std::string>>();
  }
  if (read.methods.empty()) read.methods.emplace_back("anonymous");
  announced_ = read_announced(details);
  realm_ = hello.realm;
  authid_ = read.authid;
  authextra_ = read.authextra;
  session_ = moment.session;
  authenticator_.reset();
  asking_ = false;
  return methods_.empty() ? join_anonymously(read) : begin(read);
}

Handshake::Action Handshake::join_anonymously(const Details& details) {
  const auto& offered = details.methods;
  if (std::find(offered.begin(), offered.end(), "anonymous") == offered.end()) {
    return Abort{std::string(wamp::kNoAuthMethod),
                 fmt::format("cannot authenticate [1] using any of the offered authmethods {}", list_text(offered))};
  }
  if (realm_.empty()) return Abort{std::string(wamp::kNoSuchRealm), "no realm requested"};
  method_ = "anonymous";
  auth::Principal principal;
  principal.authid = details.cookie_id.empty() ? auth::random_authid() : details.cookie_id;
  principal.role = realm::kAnonymousRole;
  principal.provider = "static";
  principal.extra = authextra_;
  return check(std::move(principal));
}

Handshake::Action Handshake::begin(const Details& details) {
  const auto& methods = details.methods;
  gives_up_cookie_ = details.cookie && std::find(methods.begin(), methods.end(), "cookie") == methods.end();
  for (const auto& offered : details.methods) {
    if (std::find(kKnownMethods.begin(), kKnownMethods.end(), offered) == kKnownMethods.end()) {
      return Abort{std::string(wamp::kNotAuthorized), fmt::format("invalid authmethod \"{}\"", offered)};
    }
    const auto configured =
        std::find_if(methods_.begin(), methods_.end(), [&](const auto& entry) { return entry.first == offered; });
    if (configured == methods_.end()) continue;
    method_ = offered;
    authenticator_ = configured->second->make_authenticator();
    auth::Verdict verdict = authenticator_->begin({realm_, authid_, authextra_, session_, details.timestamp,
                                                   details.transport, details.channel_ids, details.peer_certificate,
                                                   details.cookie ? &*details.cookie : nullptr});
    if (!std::holds_alternative<auth::NotApplicable>(verdict)) return conclude(std::move(verdict));
    authenticator_.reset();
  }
  return Abort{
      std::string(wamp::kNoAuthMethod),
      fmt::format("cannot authenticate [2] using any of the offered authmethods {}", list_text(details.methods))};
}

Handshake::Action Handshake::on_authenticate(const wamp::Authenticate& authenticate) {
  if (!challenged()) return Abort{std::string(wamp::kNotAuthorized), "no pending authentication"};
  return conclude(authenticator_->answer(authenticate.signature));
}

Handshake::Action Handshake::on_reply(const auth::Reply& reply) {
  asking_ = false;
  return conclude(authenticator_->on_reply(reply));
}

Handshake::Action Handshake::refuse(std::string_view reason, std::string message) {
  authenticator_.reset();
  return Abort{std::string(reason), std::move(message)};
}

Handshake::Action Handshake::ask(auth::Ask ask) {
  const std::string& name = ask.realm.empty() ? realm_ : ask.realm;
  Call call;
  call.realm = find_realm_(name);
  if (call.realm == nullptr) {
    if (name.empty()) return refuse(wamp::kNoSuchRealm, "no realm requested");
    return refuse(wamp::kNoSuchRealm,
                  ask.realm.empty()
                      ? fmt::format("no realm \"{}\" exists on this router", name)
                      : fmt::format("explicit realm <{}> configured for dynamic authenticator does not exist", name));
  }
  const std::string_view role = ask.role.empty() ? realm::kTrustedRole : std::string_view(ask.role);
  call.role = call.realm->find_role(role);
  if (call.role == nullptr) {
    return refuse(wamp::kNoSuchRole, fmt::format("realm \"{}\" has no role \"{}\", which is configured for the dynamic "
                                                 "authenticator",
                                                 name, role));
  }
  call.procedure = std::move(ask.procedure);
  call.arguments = std::move(ask.arguments);
  call.timeout = ask.timeout;
  asking_ = true;
  return call;
}

Handshake::Action Handshake::conclude(auth::Verdict verdict) {
  if (auto* question = std::get_if<auth::Ask>(&verdict)) return ask(std::move(*question));
  if (auto* challenge = std::get_if<auth::Challenge>(&verdict)) {
    if (challenge->principal) {
      Action checked = check(std::move(*challenge->principal));
      if (std::holds_alternative<Abort>(checked)) {
        authenticator_.reset();
        return checked;
      }
    }
    return Challenge{method_, std::move(challenge->extra)};
  }
  authenticator_.reset();
  if (auto* denied = std::get_if<auth::Denied>(&verdict))
    return Abort{std::move(denied->reason), std::move(denied->message)};
  return check(std::move(std::get<auth::Accepted>(verdict).principal));
}

Handshake::Action Handshake::check(auth::Principal principal) const {
  const std::string& realm_name = principal.realm.empty() ? realm_ : principal.realm;
  const std::string& authid = principal.authid.empty() ? authid_ : principal.authid;
  if (realm_name.empty()) return Abort{std::string(wamp::kNoSuchRealm), "no realm assigned"};
  if (authid.empty()) return Abort{std::string(wamp::kNoSuchPrincipal), "no authid assigned"};
  if (principal.role.empty()) return Abort{std::string(wamp::kNoSuchRole), "no authrole assigned"};
  realm::Realm* realm = find_realm_(realm_name);
  if (realm == nullptr) {
    return Abort{std::string(wamp::kNoSuchRealm), fmt::format("no realm \"{}\" exists on this router", realm_name)};
  }
  const realm::Role* role = realm->find_role(principal.role);
  if (role == nullptr) {
    return Abort{std::string(wamp::kNoSuchRole),
                 fmt::format("realm \"{}\" has no role \"{}\"", realm_name, principal.role)};
  }
  auto identity = std::make_shared<realm::Identity>();
  identity->session = session_;
  identity->authid = authid;
  identity->authrole = principal.role;
  identity->authmethod = principal.method.empty() ? method_ : std::move(principal.method);
  identity->authprovider = std::move(principal.provider);
  identity->authextra = std::move(principal.extra);
  return Join{realm, role, std::move(identity), announced_};
}

}  // namespace crosspoint::connection
