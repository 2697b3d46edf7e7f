#include "gateway/mailboxes.hpp"

#include <algorithm>
#include <utility>

#include "gateway/receivers_text.hpp"

namespace crosspoint::gateway {
namespace {

using storage::MailboxChange;

constexpr std::size_t kFixedSize = 128;  // of a message, besides its bytes

std::size_t size_of(const storage::MailMessage& message) { return kFixedSize + message.bytes.size(); }

std::int64_t end_of(const storage::MailboxRecord& record, std::int64_t now) {
  return now + std::int64_t{record.lifetime} * 1000;
}

}  // namespace

void Mailboxes::restore(std::vector<storage::StoredMailbox> stored, std::int64_t now, std::uint64_t last_id) {
  last_id_ = std::max(last_id_, last_id);
  for (storage::StoredMailbox& from : stored) {
    const auto box = boxes_.emplace(from.identity, Mailbox()).first;
    box->second.record = from.record;
    box->second.exists = true;
    for (auto& [id, message] : from.messages) {
      last_id_ = std::max(last_id_, id);
      box->second.bytes += size_of(*message);
      bytes_ += size_of(*message);
      box->second.messages.push_back({id, std::move(message), true, false});
    }
    if (shared_) restore_members(box);
    if (from.record.expires == 0 && box->second.members.empty()) {  // its receivers went when the router did
      box->second.record.expires = end_of(from.record, now);
      put(box);
    }
  }
  expire(now);
  for (auto box = boxes_.begin(); box != boxes_.end(); ++box) pump(box);
}

void Mailboxes::restore_members(Boxes::iterator box) {
  std::vector<Receiver> receivers;
  read_receivers(std::exchange(box->second.record.receivers, {}), receivers);
  for (Receiver& receiver : receivers) {
    identities_[receiver].insert(box->first);
    box->second.members.push_back({.number = ++last_member_, .receiver = std::move(receiver), .ready = true});
  }
}

void Mailboxes::clear() {
  boxes_.clear();
  identities_.clear();
  bytes_ = 0;
  deliveries_.clear();
  changes_.clear();
}

std::vector<Receiver> Mailboxes::receivers() const {
  std::vector<Receiver> all;
  for (const auto& [receiver, identities] : identities_) all.push_back(receiver);
  return all;
}

Mailboxes::Boxes::iterator Mailboxes::find(std::string_view identity, std::int64_t now) {
  const auto box = boxes_.find(identity);
  if (box == boxes_.end()) return box;
  const std::int64_t expires = box->second.record.expires;
  if (expires == 0 || expires > now) return box;
  drop(box);
  return boxes_.end();
}

void Mailboxes::put(Boxes::iterator box) {
  changes_.push_back({.kind = MailboxChange::Kind::put, .identity = box->first, .record = box->second.record});
  if (!shared_) return;
  std::vector<Receiver> receivers;
  for (const Member& member : box->second.members) receivers.push_back(member.receiver);
  changes_.back().record.receivers = write_receivers(receivers);
}

void Mailboxes::drop(Boxes::iterator box) {
  changes_.push_back({.kind = MailboxChange::Kind::drop, .identity = box->first});
  for (const Member& member : box->second.members) unlink(member.receiver, box->first);
  bytes_ -= box->second.bytes;
  boxes_.erase(box);
}

void Mailboxes::unlink(const Receiver& receiver, const std::string& identity) {
  const auto at = identities_.find(receiver);
  if (at == identities_.end()) return;
  at->second.erase(identity);
  if (at->second.empty()) identities_.erase(at);
}

Mailboxes::Refusal Mailboxes::register_as(std::string_view identity, const Receiver& receiver,
                                          storage::MailboxRecord record, std::int64_t now, std::uint64_t& member) {
  auto box = find(identity, now);
  if (box == boxes_.end()) {
    if (boxes_.size() >= limits_.identities) expire(now);
    if (boxes_.size() >= limits_.identities) return Refusal::too_many_identities;
    box = boxes_.emplace(std::string(identity), Mailbox()).first;
  }
  record.expires = 0;
  box->second.record = record;
  auto& members = box->second.members;
  std::erase_if(members, [&](const Member& other) { return other.receiver == receiver; });
  while (members.size() >= record.max_connections) {
    unlink(members.front().receiver, box->first);
    members.erase(members.begin());
  }
  member = ++last_member_;
  members.push_back({.number = member, .receiver = receiver});
  identities_[receiver].insert(box->first);
  put(box);
  remove_done(box);
  return Refusal::none;
}

void Mailboxes::registered(std::string_view identity, std::uint64_t member, bool stored, std::int64_t now) {
  const auto box = boxes_.find(identity);
  if (box == boxes_.end()) return;
  auto& members = box->second.members;
  const auto at = std::find_if(members.begin(), members.end(), [&](const Member& m) { return m.number == member; });
  if (stored) {
    box->second.exists = true;
    if (at != members.end()) at->ready = true;
    return pump(box);
  }
  if (at != members.end()) remove_member(box, static_cast<std::size_t>(at - members.begin()), now);
  if (!box->second.exists && box->second.members.empty()) return drop(box);
  put(box);  // the store does not have what the registration changed
}

void Mailboxes::remove_member(Boxes::iterator box, std::size_t place, std::int64_t now) {
  auto& members = box->second.members;
  unlink(members[place].receiver, box->first);
  members.erase(members.begin() + static_cast<std::ptrdiff_t>(place));
  if (members.empty()) box->second.record.expires = end_of(box->second.record, now);
  if (members.empty() || shared_) put(box);
  remove_done(box);
}

bool Mailboxes::unregister(std::string_view identity, const Receiver& receiver, std::int64_t now) {
  const auto box = find(identity, now);
  if (box == boxes_.end()) return false;
  auto& members = box->second.members;
  const auto at = std::find_if(members.begin(), members.end(), [&](const Member& m) { return m.receiver == receiver; });
  if (at == members.end()) return false;
  remove_member(box, static_cast<std::size_t>(at - members.begin()), now);
  return true;
}

void Mailboxes::gone(const Receiver& receiver, std::int64_t now) {
  const auto at = identities_.find(receiver);
  if (at == identities_.end()) return;
  const std::set<std::string> identities = at->second;
  for (const std::string& identity : identities) unregister(identity, receiver, now);
}

Mailboxes::Refusal Mailboxes::notify(std::string_view identity, storage::MailMessageRef message, std::int64_t now,
                                     std::uint64_t& id) {
  const auto box = find(identity, now);
  if (box == boxes_.end() || !box->second.exists) return Refusal::no_such_identity;
  const std::size_t size = size_of(*message);
  const bool full = box->second.messages.size() >= limits_.messages || box->second.bytes + size > limits_.mailbox_bytes;
  if (full) return Refusal::mailbox_full;
  if (bytes_ + size > limits_.bytes) return Refusal::no_room;
  // Microseconds, so that ids also grow from one start to the next; below 2^53.
  last_id_ = std::max(last_id_ + 1, static_cast<std::uint64_t>(now) * 1000);
  id = last_id_;
  box->second.bytes += size;
  bytes_ += size;
  changes_.push_back({.kind = MailboxChange::Kind::add, .identity = box->first, .id = id, .message = message});
  box->second.messages.push_back({id, std::move(message), false, false});
  return Refusal::none;
}

void Mailboxes::stored(std::string_view identity, std::uint64_t id, bool good) {
  const auto box = boxes_.find(identity);
  if (box == boxes_.end()) return;
  auto& messages = box->second.messages;
  const auto at = std::find_if(messages.begin(), messages.end(), [id](const Message& m) { return m.id == id; });
  if (at == messages.end()) return;
  if (good) {
    at->stored = true;
  } else {
    box->second.bytes -= size_of(*at->message);
    bytes_ -= size_of(*at->message);
    messages.erase(at);
  }
  pump(box);
}

void Mailboxes::pump(Boxes::iterator box) {
  for (Member& member : box->second.members) {
    if (member.ready && !member.busy) deliver_next(box, member);
  }
}

void Mailboxes::deliver_next(Boxes::iterator box, Member& member) {
  const auto& messages = box->second.messages;
  const auto next = std::upper_bound(messages.begin(), messages.end(), member.last,
                                     [](std::uint64_t last, const Message& message) { return last < message.id; });
  if (next == messages.end() || !next->stored) return;
  member.busy = true;
  deliveries_.push_back(
      {box->first, member.number, member.receiver, next->id, next->message, box->second.record.confirm});
}

bool Mailboxes::has(const Delivery& delivery) const {
  const auto box = boxes_.find(delivery.identity);
  if (box == boxes_.end()) return false;
  const auto& members = box->second.members;
  return std::any_of(members.begin(), members.end(), [&](const Member& m) { return m.number == delivery.member; });
}

void Mailboxes::delivered(std::string_view identity, std::uint64_t number, std::uint64_t id, bool taken,
                          std::int64_t now) {
  const auto box = boxes_.find(identity);
  if (box == boxes_.end()) return;
  auto& messages = box->second.messages;
  const auto message = std::find_if(messages.begin(), messages.end(), [id](const Message& m) { return m.id == id; });
  if (taken && message != messages.end()) message->delivered = true;
  auto& members = box->second.members;
  const auto at = std::find_if(members.begin(), members.end(), [&](const Member& m) { return m.number == number; });
  if (at == members.end()) return remove_done(box);
  if (!taken) return remove_member(box, static_cast<std::size_t>(at - members.begin()), now);
  at->busy = false;
  at->last = id;
  deliver_next(box, *at);
  remove_done(box);
}

void Mailboxes::forget_front(Mailbox& box) {
  box.bytes -= size_of(*box.messages.front().message);
  bytes_ -= size_of(*box.messages.front().message);
  box.messages.pop_front();
}

void Mailboxes::remove_done(Boxes::iterator box) {
  Mailbox& mailbox = box->second;
  if (mailbox.record.confirm) return;
  std::uint64_t last = 0;
  while (!mailbox.messages.empty()) {
    const Message& front = mailbox.messages.front();
    const auto lacks = [&front](const Member& member) { return member.last < front.id; };
    if (!front.delivered || std::any_of(mailbox.members.begin(), mailbox.members.end(), lacks)) break;
    last = front.id;
    forget_front(mailbox);
  }
  if (last != 0) changes_.push_back({.kind = MailboxChange::Kind::remove, .identity = box->first, .id = last});
}

bool Mailboxes::confirm(std::string_view identity, std::uint64_t id, std::int64_t now) {
  const auto box = find(identity, now);
  if (box == boxes_.end()) return false;
  Mailbox& mailbox = box->second;
  std::uint64_t last = 0;
  // Nobody can have got what is not stored.
  while (!mailbox.messages.empty() && mailbox.messages.front().id <= id && mailbox.messages.front().stored) {
    last = mailbox.messages.front().id;
    forget_front(mailbox);
  }
  if (last != 0) changes_.push_back({.kind = MailboxChange::Kind::remove, .identity = box->first, .id = last});
  return true;
}

void Mailboxes::expire(std::int64_t now) {
  for (auto box = boxes_.begin(); box != boxes_.end();) {
    const auto next = std::next(box);
    if (box->second.record.expires != 0 && box->second.record.expires <= now) drop(box);
    box = next;
  }
}

bool Mailboxes::describe(std::string_view identity, std::int64_t now, Description& out) {
  const auto box = find(identity, now);
  if (box == boxes_.end() || !box->second.exists) return false;
  out = {box->second.members.size(), box->second.messages.size(), box->second.bytes, box->second.record};
  return true;
}

std::vector<Mailboxes::Delivery> Mailboxes::take_deliveries() { return std::exchange(deliveries_, {}); }

std::vector<storage::MailboxChange> Mailboxes::take_changes() { return std::exchange(changes_, {}); }

}  // namespace crosspoint::gateway
