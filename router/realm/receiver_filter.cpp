#include "realm/receiver_filter.hpp"

namespace crosspoint::realm {
namespace {

template <class Set, class List>
void fill(std::optional<Set>& set, const std::optional<List>& list) {
  if (!list) return;
  set.emplace();
  for (const auto& item : *list) set->emplace(item);
}

template <class List, class Set>
void spill(std::optional<List>& list, const std::optional<Set>& set) {
  if (set) list.emplace(set->begin(), set->end());
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

wamp::ReceiverFilter ReceiverFilter::lists() const {
  wamp::ReceiverFilter lists;
  spill(lists.exclude, exclude_);
  spill(lists.exclude_authid, exclude_authid_);
  spill(lists.exclude_authrole, exclude_authrole_);
  spill(lists.eligible, eligible_);
  spill(lists.eligible_authid, eligible_authid_);
  spill(lists.eligible_authrole, eligible_authrole_);
  return lists;
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
