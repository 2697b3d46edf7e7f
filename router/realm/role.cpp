#include "realm/role.hpp"

namespace crosspoint::realm {
namespace {

class FixedAuthorizer final : public Authorizer {
 public:
  explicit FixedAuthorizer(Decision decision) : decision_(decision) {}
  Decision decide(std::string_view, Action) const override { return decision_; }

 private:
  Decision decision_;
};

}  // namespace

std::unique_ptr<const Authorizer> make_fixed_authorizer(Decision decision) {
  return std::make_unique<FixedAuthorizer>(decision);
}

}  // namespace crosspoint::realm
