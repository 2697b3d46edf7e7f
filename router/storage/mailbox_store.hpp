#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace crosspoint::storage {

/// A message as it came from whoever notified an identity: a string, bytes, or another value as JSON text.
struct MailMessage {
  enum class Kind : std::uint8_t { text, binary, json } kind{};
  std::string bytes;
};
using MailMessageRef = std::shared_ptr<const MailMessage>;

/// What a mailbox is besides its messages.
struct MailboxRecord {
  std::uint32_t lifetime = 0;  ///< seconds that it lives without a receiver
  std::uint32_t max_connections = 1;
  bool confirm = false;      ///< messages stay until they are confirmed
  std::int64_t expires = 0;  ///< milliseconds since the epoch; 0: never, for it has receivers
  std::string receivers{};   ///< of a shared store: who they are, as the gateway writes them

  bool operator==(const MailboxRecord&) const = default;
};

/// A mailbox as a store has it.
struct StoredMailbox {
  std::string identity;
  MailboxRecord record;
  std::vector<std::pair<std::uint64_t, MailMessageRef>> messages;  ///< by id, ascending
};

struct MailboxChange {
  enum class Kind {
    put,     ///< the record is new or another one
    drop,    ///< the mailbox ends, with all in it
    add,     ///< a message
    remove,  ///< the messages up to an id
  };
  Kind kind{};
  std::string identity;
  std::uint64_t id = 0;
  MailMessageRef message{};
  MailboxRecord record{};
};

/// Who keeps the mailboxes of a store that several nodes share.
struct MailboxHold {
  std::string keeper;  ///< a node's address
  bool ours = false;
  bool anew = false;          ///< another one may have been the keeper since this one was, or nobody ever
  std::uint64_t last_id = 0;  ///< the greatest that a message has had, whatever became of it
};

/// How long a keeper is one without holding on.
inline constexpr std::chrono::seconds kHoldTime{5};

/// Where a realm's mailboxes outlive the program. Functions block, so they are called at the start and then by one
/// thread that does nothing else. They return false and say why in `problem`.
class MailboxStore {
 public:
  virtual ~MailboxStore() = default;
  virtual bool open(std::string& problem) = 0;
  virtual bool load(std::vector<StoredMailbox>& out, std::string& problem) = 0;
  /// All of them, in order. When it returns true they are where a crash does not take them.
  virtual bool commit(const std::vector<MailboxChange>& changes, std::string& problem) = 0;

  /// Whether several nodes use it. Then one of them keeps the mailboxes at a time: it is the only one that loads and
  /// commits, and commit() fails for all others.
  virtual bool is_shared() const { return false; }
  /// Of a shared one: becomes the keeper if there is none, or stays it for kHoldTime from now on.
  virtual bool hold(MailboxHold& /*out*/, std::string& /*problem*/) { return false; }
  /// Likewise: somebody else may become it.
  virtual void let_go() {}
};

}  // namespace crosspoint::storage
