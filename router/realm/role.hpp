#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "realm/action.hpp"

namespace crosspoint::realm {

/// Says what sessions of a role may do. Constant once made, and used by all threads.
class Authorizer {
 public:
  virtual ~Authorizer() = default;
  virtual Decision decide(std::string_view uri, Action action) const = 0;
};

/// The role that sessions of the router itself have. It always exists, may do everything and may use reserved URIs.
inline constexpr std::string_view kTrustedRole = "trusted";
/// The role of sessions that did not authenticate, unless configured otherwise. A session may have it although the
/// realm does not define it; then it may do nothing.
inline constexpr std::string_view kAnonymousRole = "anonymous";

/// What a realm's configuration says of the sessions that share an authrole: static rules, or the procedure that
/// decides (a dynamic authorizer).
class Role {
 public:
  Role(std::string name, std::unique_ptr<const Authorizer> rules) : name_(std::move(name)), rules_(std::move(rules)) {}
  Role(std::string name, std::string authorizer, wamp::TrustLevel trustlevel)
      : name_(std::move(name)), authorizer_(std::move(authorizer)), trustlevel_(trustlevel) {}

  const std::string& name() const { return name_; }
  bool trusted() const { return name_ == kTrustedRole; }
  bool dynamic() const { return rules_ == nullptr; }
  /// The procedure to be called; empty for static rules.
  const std::string& authorizer() const { return authorizer_; }
  /// Where the authorizer says nothing of it; static rules have it in their decisions.
  wamp::TrustLevel trustlevel() const { return trustlevel_; }
  /// Static rules only.
  Decision decide(std::string_view uri, Action action) const { return rules_->decide(uri, action); }

 private:
  std::string name_;
  std::unique_ptr<const Authorizer> rules_;
  std::string authorizer_;
  wamp::TrustLevel trustlevel_ = wamp::kNoTrustLevel;
};

/// The same answer to everything (`allow-by-default`, and the role `trusted`).
std::unique_ptr<const Authorizer> make_fixed_authorizer(Decision decision);

}  // namespace crosspoint::realm
