#include "realm/receiver_filter.hpp"

namespace crosspoint::realm {
namespace {

template <class Set, class List>
void fill(std::optional<Set>& set, const std::optional<List>& list) {
  if (!list) return;
  set.emplace();
  for (const auto& item : *list) set->emplace(item);
}

}  // namespace

ReceiverFilter::ReceiverFilter(const wamp::ReceiverFilter& lists) {
  fill(exclude_, lists.exclude);
  fill(exclude_authid_, lists.exclude_authid);
  fill(exclude_authrole_, lists.exclude_authrole);
  fill(eligible_, lists.eligible);
  fill(eligible_authid_, lists.eligible_authid);
  fill(eligible_authrole_, lists.eligible_authrole);
}

std::size_t ReceiverFilter::size() const {
  static constexpr std::size_t kEntry = 64;
  std::size_t bytes = sizeof(*this);
  for (const Ids* ids : {&exclude_, &eligible_}) {
    if (*ids) bytes += (*ids)->size() * kEntry;
  }
  for (const Names* names : {&exclude_authid_, &exclude_authrole_, &eligible_authid_, &eligible_authrole_}) {
    if (!*names) continue;
    for (const std::string& name : **names) bytes += kEntry + name.size();
  }
  return bytes;
}

bool ReceiverFilter::admits(const Identity& receiver) const {
  if (eligible_ && !eligible_->contains(receiver.session)) return false;
  if (eligible_authid_ && !eligible_authid_->contains(receiver.authid)) return false;
  if (eligible_authrole_ && !eligible_authrole_->contains(receiver.authrole)) return false;
  if (exclude_ && exclude_->contains(receiver.session)) return false;
  if (exclude_authid_ && exclude_authid_->contains(receiver.authid)) return false;
  return !exclude_authrole_ || !exclude_authrole_->contains(receiver.authrole);
}

}  // namespace crosspoint::realm
