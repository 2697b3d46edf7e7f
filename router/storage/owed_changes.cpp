#include "storage/owed_changes.hpp"

#include <algorithm>

namespace crosspoint::storage {

bool OwedChanges::add(const MailboxChange& change) {
  if (change.kind == MailboxChange::Kind::add) return true;
  if (boxes_.size() >= most_ && !boxes_.contains(change.identity)) return false;
  Owed& owed = boxes_[change.identity];
  if (change.kind == MailboxChange::Kind::drop) owed = {.dropped = true, .record = {}};
  if (change.kind == MailboxChange::Kind::put) owed.record = change.record;
  if (change.kind == MailboxChange::Kind::remove) owed.removed = std::max(owed.removed, change.id);
  return true;
}

std::vector<MailboxChange> OwedChanges::list() const {
  std::vector<MailboxChange> changes;
  for (const auto& [identity, owed] : boxes_) {
    if (owed.dropped) changes.push_back({.kind = MailboxChange::Kind::drop, .identity = identity});
    if (owed.record)
      changes.push_back({.kind = MailboxChange::Kind::put, .identity = identity, .record = *owed.record});
    if (owed.removed != 0) {
      changes.push_back({.kind = MailboxChange::Kind::remove, .identity = identity, .id = owed.removed});
    }
  }
  return changes;
}

}  // namespace crosspoint::storage
