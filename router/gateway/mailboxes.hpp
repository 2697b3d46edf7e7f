#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "storage/mailbox_store.hpp"

namespace crosspoint::gateway {

/// Who gets what is sent to an identity: a connection of the gateway, or a procedure of a WAMP session.
struct Receiver {
  enum class Kind { connection, procedure } kind{};
  std::string name;  ///< the connection's id, or the URI
  std::string via;   ///< of a connection: the procedure that gets its messages; empty: the connection itself

  bool operator==(const Receiver& other) const { return kind == other.kind && name == other.name; }
  auto operator<=>(const Receiver& other) const { return std::tie(kind, name) <=> std::tie(other.kind, other.name); }
};

inline constexpr std::size_t kLongestIdentity = 256;  // bytes

/// What the mailboxes of a realm may take.
struct MailboxLimits {
  std::size_t identities = 10000;
  std::size_t messages = 1000;              ///< per mailbox
  std::size_t mailbox_bytes = 1024 * 1024;  ///< per mailbox
  std::size_t bytes = 64 * 1024 * 1024;     ///< of all
};

/// The mailboxes of a realm: which receivers an identity has, and the messages that wait for it. Messages of an
/// identity go to each of its receivers one by one, in the order of their ids, once they are stored. A message stays
/// until it has gone to all receivers there are, at least one, or, in a mailbox with `confirm`, until it is confirmed;
/// whoever registers gets all that is there. No I/O: what has to be sent and stored is handed out by take_deliveries()
/// and take_changes(). Times are milliseconds since the epoch. Belongs to one thread.
class Mailboxes {
 public:
  enum class Refusal { none, no_such_identity, too_many_identities, mailbox_full, no_room };

  struct Delivery {
    std::string identity;
    std::uint64_t member = 0;  ///< to be told to delivered()
    Receiver to;
    std::uint64_t id = 0;
    storage::MailMessageRef message;
    bool confirm = false;  ///< it stays until it is confirmed
  };
  struct Description {
    std::size_t connections = 0;
    std::size_t messages = 0;
    std::size_t bytes = 0;
    storage::MailboxRecord record;
  };

  /// `shared`: nodes share them, one after the other, so that the store has the receivers, too.
  explicit Mailboxes(MailboxLimits limits, bool shared = false) : limits_(limits), shared_(shared) {}

  /// `last_id`: ids of messages begin behind it, if the clock does not say more.
  void restore(std::vector<storage::StoredMailbox> stored, std::int64_t now, std::uint64_t last_id = 0);
  /// Forgets all of them; the store has them.
  void clear();
  /// All there are.
  std::vector<Receiver> receivers() const;

  /// Makes `receiver` one of the identity's, with the values of `record` (but not its time). Beyond max_connections the
  /// receiver that came first is one no more. Its messages come after registered(). `member` names it.
  Refusal register_as(std::string_view identity, const Receiver& receiver, storage::MailboxRecord record,
                      std::int64_t now, std::uint64_t& member);
  /// The outcome of storing a registration. A new identity exists from here on, or not at all.
  void registered(std::string_view identity, std::uint64_t member, bool stored, std::int64_t now);
  /// False if it was none.
  bool unregister(std::string_view identity, const Receiver& receiver, std::int64_t now);
  /// The receiver is gone, for all identities.
  void gone(const Receiver& receiver, std::int64_t now);

  /// Takes a message in; it goes out after stored(). Ids grow over the whole realm and its restarts.
  Refusal notify(std::string_view identity, storage::MailMessageRef message, std::int64_t now, std::uint64_t& id);
  void stored(std::string_view identity, std::uint64_t id, bool good);
  /// Whether its receiver is still one.
  bool has(const Delivery& delivery) const;
  /// What became of a Delivery. A receiver that did not take it is one no more.
  void delivered(std::string_view identity, std::uint64_t member, std::uint64_t id, bool taken, std::int64_t now);
  /// Everything up to `id` has arrived. False if there is no such identity.
  bool confirm(std::string_view identity, std::uint64_t id, std::int64_t now);

  /// Ends the mailboxes whose time is over.
  void expire(std::int64_t now);
  /// False if there is no such identity.
  bool describe(std::string_view identity, std::int64_t now, Description& out);
  std::size_t count() const { return boxes_.size(); }

  std::vector<Delivery> take_deliveries();
  std::vector<storage::MailboxChange> take_changes();

 private:
  struct Message {
    std::uint64_t id = 0;
    storage::MailMessageRef message;
    bool stored = false;
    bool delivered = false;  // to one receiver at least
  };
  struct Member {
    std::uint64_t number = 0;
    Receiver receiver;
    std::uint64_t last = 0;  // the id of the message that it got last
    bool ready = false;      // its registration is stored
    bool busy = false;       // a delivery is under way
  };
  struct Mailbox {
    storage::MailboxRecord record;
    bool exists = false;  // its first registration is stored
    std::deque<Message> messages;
    std::vector<Member> members;
    std::size_t bytes = 0;
  };
  using Boxes = std::map<std::string, Mailbox, std::less<>>;

  Boxes::iterator find(std::string_view identity, std::int64_t now);
  void remove_member(Boxes::iterator box, std::size_t place, std::int64_t now);
  void pump(Boxes::iterator box);
  void deliver_next(Boxes::iterator box, Member& member);
  void remove_done(Boxes::iterator box);
  void forget_front(Mailbox& box);
  void drop(Boxes::iterator box);
  void put(Boxes::iterator box);
  void restore_members(Boxes::iterator box);
  void unlink(const Receiver& receiver, const std::string& identity);

  const MailboxLimits limits_;
  const bool shared_;
  Boxes boxes_;
  std::map<Receiver, std::set<std::string>> identities_;  // of each receiver
  std::size_t bytes_ = 0;
  std::uint64_t last_id_ = 0;
  std::uint64_t last_member_ = 0;
  std::vector<Delivery> deliveries_;
  std::vector<storage::MailboxChange> changes_;
};

}  // namespace crosspoint::gateway
