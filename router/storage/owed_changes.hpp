#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "storage/mailbox_store.hpp"

namespace crosspoint::storage {

/// Changes that could not be written and have to be sooner or later: of each mailbox what they amount to, so that they
/// do not grow while the store is away. Messages are none of them: who sent one has been told that it was not stored.
class OwedChanges {
 public:
  /// Of so many mailboxes at most.
  explicit OwedChanges(std::size_t most) : most_(most) {}

  /// False if there are too many already: it is forgotten.
  bool add(const MailboxChange& change);
  /// In an order in which they can be made.
  std::vector<MailboxChange> list() const;
  std::size_t size() const { return boxes_.size(); }
  bool empty() const { return boxes_.empty(); }
  void clear() { boxes_.clear(); }

 private:
  struct Owed {
    bool dropped = false;  // first of all
    std::optional<MailboxRecord> record;
    std::uint64_t removed = 0;  // the messages up to this id; 0: none
  };
  const std::size_t most_;
  std::map<std::string, Owed> boxes_;  // by identity
};

}  // namespace crosspoint::storage
