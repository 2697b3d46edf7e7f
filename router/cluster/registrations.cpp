#include "cluster/registrations.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "cluster/registration_text.hpp"

namespace crosspoint::cluster {
namespace {

auto numbered(std::vector<Registry::Entry>& entries, std::uint64_t number) {
  return std::find_if(entries.begin(), entries.end(),
                      [&](const Registry::Entry& entry) { return entry.claim.number == number; });
}

}  // namespace

void Registrations::claim(std::string realm, realm::Claim claim, std::uint64_t now) {
  Registry::Entry entry{address_, std::move(realm), 0, std::move(claim)};
  if (state_ == State::alone) return decide_alone(std::move(entry), now);
  if (state_ == State::gathering) {
    waiting_.push_back(std::move(entry));
    return;
  }
  user_.announce(kClaim, write_entry(entry), entry.claim.number);
  under_way_.push_back(std::move(entry));
}

void Registrations::decide_alone(Registry::Entry entry, std::uint64_t now) {
  entry.order = now;
  Registry::Changes changes;
  registry_.claim(std::move(entry), true, changes);
  apply(changes);
}

void Registrations::release(std::uint64_t number) {
  if (state_ == State::alone) {
    Registry::Changes changes;
    registry_.release(address_, number, changes);
    return apply(changes);
  }
  leaving_.insert(number);
  user_.announce(kRelease, std::to_string(number), 0);
}

void Registrations::claim_lost(std::uint64_t number) {
  const auto at = numbered(under_way_, number);
  if (at == under_way_.end()) return;
  const Registry::Entry entry = std::move(*at);
  under_way_.erase(at);
  user_.apply({Registry::Effect::lost, entry, {}});
}

void Registrations::connecting() {
  state_ = State::gathering;
  asked_ = false;
  said_.clear();
  to_say_.clear();
}

void Registrations::expect(std::size_t others, Time deadline) {
  asked_ = true;
  expected_ = others;
  deadline_ = deadline;
  say_all();
  complete_if_all_said();
}

void Registrations::complete_if_all_said() {
  if (state_ != State::gathering || !asked_ || said_.size() < expected_) return;
  state_ = State::complete;
  for (Registry::Entry& entry : std::exchange(waiting_, {})) {
    user_.announce(kClaim, write_entry(entry), entry.claim.number);
    under_way_.push_back(std::move(entry));
  }
}

void Registrations::disconnected(std::uint64_t now) {
  state_ = State::alone;
  Registry::Changes changes;
  registry_.drop_others(address_, changes);
  for (const std::uint64_t number : std::exchange(leaving_, {})) registry_.release(address_, number, changes);
  apply(changes);
  for (Registry::Entry& entry : std::exchange(under_way_, {})) decide_alone(std::move(entry), now);
  for (Registry::Entry& entry : std::exchange(waiting_, {})) decide_alone(std::move(entry), now);
}

void Registrations::say_all() { user_.announce(kBegin, {}, 0); }

void Registrations::tell_all() {
  // All claims that this node has sent before it said that it begins have come back by now; those that it has sent
  // since, others will find behind that word.
  std::vector<Registry::Entry> entries = registry_.of(address_);
  std::erase_if(entries, [&](const Registry::Entry& entry) { return leaving_.contains(entry.claim.number); });
  for (std::string& text : write_entries(entries)) user_.announce(kHave, std::move(text), 0);
  user_.announce(kEnd, {}, 0);
}

void Registrations::answer(const Registry::Entry& entry, bool good) {
  if (!good) return user_.announce(kRelease, std::to_string(entry.claim.number), 0);
  for (std::string& text : write_entries({&entry, 1})) user_.announce(kHave, std::move(text), 0);
}

void Registrations::gone(std::string_view address) {
  Registry::Changes changes;
  registry_.drop(address, changes);
  apply(changes);
  to_say_.erase(std::string(address));
  if (!said_.contains(address) && expected_ > 0) --expected_;
  complete_if_all_said();
}

void Registrations::look_at(Time now) {
  if (state_ != State::gathering || !asked_ || now < deadline_) return;
  expected_ = 0;
  complete_if_all_said();
}

bool Registrations::heard(std::string_view from, std::string_view kind, std::string_view text, std::uint64_t order) {
  const bool own = from == address_;
  Registry::Changes changes;
  if (kind == kClaim) {
    Registry::Entry entry;
    if (order == 0 || !read_entry(text, entry)) return false;
    entry.owner = from;
    entry.order = order;
    if (own) {
      const std::uint64_t number = entry.claim.number;
      const auto at = numbered(under_way_, number);
      if (at == under_way_.end()) {
        // It was decided while the node was alone. If it has ended since, it is not to come to life again for others.
        if (!registry_.contains(address_, number)) user_.announce(kRelease, std::to_string(number), 0);
        return true;
      }
      under_way_.erase(at);
    }
    const std::uint64_t number = entry.claim.number;
    registry_.claim(entry, own, changes);
    if (own) answer(entry, registry_.contains(address_, number));
  } else if (kind == kRelease) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return false;
    registry_.release(from, number, changes);
    if (own) leaving_.erase(number);
  } else if (kind == kBegin) {
    if (own) return tell_all(), true;
    registry_.begin(from);
    to_say_.emplace(from);
  } else if (kind == kHave) {
    std::vector<Registry::Entry> entries;
    if (!read_entries(text, entries)) return false;
    if (own) return true;
    for (Registry::Entry& entry : entries) {
      entry.owner = from;
      registry_.have(std::move(entry), changes);
    }
  } else if (kind == kEnd) {
    const auto at = to_say_.find(from);
    if (own || at == to_say_.end()) return true;
    to_say_.erase(at);
    registry_.end(from, changes);
    said_.emplace(from);
  } else {
    return false;
  }
  apply(changes);
  complete_if_all_said();
  return true;
}

void Registrations::apply(const Registry::Changes& changes) {
  for (const Registry::Change& change : changes) {
    user_.apply(change);
    // Others keep it as one that may come back, until it is given up.
    if (change.effect == Registry::Effect::displaced && change.entry.owner == address_) {
      release(change.entry.claim.number);
    }
  }
}

}  // namespace crosspoint::cluster
