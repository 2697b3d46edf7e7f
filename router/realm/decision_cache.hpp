#pragma once

#include <tsl/robin_map.h>

#include <array>
#include <optional>
#include <string_view>

#include "realm/action.hpp"
#include "realm/role.hpp"
#include "realm/uri_cache.hpp"

namespace crosspoint::realm {

/// Asks a role's authorizer, and remembers the answers. A role's rules do not change, so sessions of one role share
/// what is remembered. Belongs to one shard.
class DecisionCache {
 public:
  Decision decide(const Role& role, std::string_view uri, Action action) {
    Answers*& last = last_answers_;
    if (&role != last_role_) {
      last = &roles_[&role];
      last_role_ = &role;
    }
    auto* known = last->find(uri);
    if (known == nullptr) known = last->admit(uri, {});
    if (known == nullptr) return role.decide(uri, action);  // it is not to be remembered
    auto& answer = (*known)[static_cast<std::size_t>(action)];
    if (!answer) answer = role.decide(uri, action);
    return *answer;
  }

  void clear() {
    roles_.clear();
    last_role_ = nullptr;
  }

 private:
  using Answers = UriCache<std::array<std::optional<Decision>, kActions>>;
  // Pointers into it stay valid until the next role is met, which is when last_answers_ is looked up again.
  tsl::robin_map<const Role*, Answers> roles_;
  const Role* last_role_ = nullptr;
  Answers* last_answers_ = nullptr;
};

}  // namespace crosspoint::realm
