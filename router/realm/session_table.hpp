#pragma once

#include <memory>
#include <vector>

#include "realm/session.hpp"

namespace crosspoint::realm {

/// The sessions of one shard, found by key in constant time. Owns them. Belongs to the shard's thread.
class SessionTable {
 public:
  explicit SessionTable(unsigned shard) : shard_(shard) {}

  Session& add() {
    if (free_.empty()) {
      free_.push_back(static_cast<std::uint32_t>(slots_.size()));
      slots_.emplace_back();
    }
    const std::uint32_t index = free_.back();
    free_.pop_back();
    Slot& slot = slots_[index];
    slot.session = std::make_unique<Session>();
    slot.session->key = {shard_, index, ++slot.generation};
    ++count_;
    return *slot.session;
  }

  /// nullptr if that session is gone.
  Session* find(const SessionKey& key) {
    if (key.slot >= slots_.size()) return nullptr;
    Slot& slot = slots_[key.slot];
    return slot.session && slot.generation == key.generation ? slot.session.get() : nullptr;
  }

  void remove(const Session& session) {
    const std::uint32_t index = session.key.slot;
    slots_[index].session.reset();
    free_.push_back(index);
    --count_;
  }

  std::size_t size() const { return count_; }

  template <class Visit>
  void each(Visit&& visit) {
    for (Slot& slot : slots_) {
      if (slot.session) visit(*slot.session);
    }
  }

 private:
  struct Slot {
    std::unique_ptr<Session> session;
    std::uint32_t generation = 0;
  };
  unsigned shard_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
  std::size_t count_ = 0;
};

}  // namespace crosspoint::realm
