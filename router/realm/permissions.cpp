#include "realm/permissions.hpp"

#include <map>

#include "realm/pattern_index.hpp"

namespace crosspoint::realm {
namespace {

using settings::Permission;

Decision decision_of(const Permission& rule, Action action) {
  const wamp::TrustLevel level = rule.trustlevel.value_or(wamp::kNoTrustLevel);
  switch (action) {
    case Action::call:
      return {rule.call, rule.disclose_caller, level};
    case Action::register_:
      return {rule.register_, false};
    case Action::publish:
      return {rule.publish, rule.disclose_publisher, level};
    case Action::subscribe:
      return {rule.subscribe, false};
  }
  return {};
}

class StaticAuthorizer final : public Authorizer {
 public:
  explicit StaticAuthorizer(std::vector<Permission> permissions) {
    for (auto& rule : permissions) {  // a later rule for the same URI and policy takes the place of an earlier one
      const auto match = static_cast<wamp::Match>(rule.match);
      const std::string uri = rule.uri;
      rules_.erase(uri, match);
      rules_.insert(uri, match, std::move(rule));
    }
  }

  Decision decide(std::string_view uri, Action action) const override {
    const Permission* rule = rules_.exact(uri);
    if (rule == nullptr) rule = rules_.best_wildcard(uri);
    if (rule == nullptr) rule = rules_.longest_prefix(uri);
    return rule != nullptr ? decision_of(*rule, action) : Decision();
  }

 private:
  PatternIndex<Permission> rules_;
};

/// Two tables, both searched by the longest key that is a prefix of the URI, whatever a rule's match policy: patterns
/// with ".." under the text before it, all other rules under their URI.
class CrossbarAuthorizer final : public Authorizer {
 public:
  explicit CrossbarAuthorizer(std::vector<Permission> permissions) {
    for (auto& rule : permissions) {
      const auto gap = rule.uri.find("..");
      auto& table = gap != std::string::npos ? wildcards_ : others_;
      table.insert_or_assign(rule.uri.substr(0, gap), std::move(rule));
    }
  }

  Decision decide(std::string_view uri, Action action) const override {
    const Permission* rule = longest(others_, uri);
    if (rule != nullptr && rule->match != settings::Match::prefix && rule->uri != uri) rule = nullptr;
    if (rule == nullptr || rule->match != settings::Match::exact) {
      const Permission* wildcard = longest(wildcards_, uri);
      if (wildcard != nullptr && wamp::matches_wildcard(wildcard->uri, uri)) rule = wildcard;
    }
    return rule != nullptr ? decision_of(*rule, action) : Decision();
  }

 private:
  using Table = std::map<std::string, Permission, std::less<>>;

  static const Permission* longest(const Table& table, std::string_view uri) {
    for (std::size_t size = uri.size() + 1; size-- > 0;) {
      const auto at = table.find(uri.substr(0, size));
      if (at != table.end()) return &at->second;
    }
    return nullptr;
  }

  Table others_;
  Table wildcards_;
};

}  // namespace

std::unique_ptr<const Authorizer> make_static_authorizer(std::vector<Permission> permissions) {
  return std::make_unique<StaticAuthorizer>(std::move(permissions));
}

std::unique_ptr<const Authorizer> make_crossbar_authorizer(std::vector<Permission> permissions) {
  return std::make_unique<CrossbarAuthorizer>(std::move(permissions));
}

}  // namespace crosspoint::realm
