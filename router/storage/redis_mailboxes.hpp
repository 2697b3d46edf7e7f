#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "redis/dialer.hpp"
#include "storage/mailbox_store.hpp"

namespace crosspoint::storage {

/// Mailboxes in Redis: the hash `<prefix>mailboxes` has the records, as JSON, by identity; the sorted set
/// `<prefix>mailbox:<identity>` the messages by id. What is committed survives a crash of the router; a crash of Redis
/// or of its machine only if Redis has `appendonly yes` and `appendfsync always`, which open() checks and warns about.
/// If nodes share it, `<prefix>mailboxes:keeper`, which expires, has the address of the one that keeps them,
/// `<prefix>mailboxes:last` that of the one that did last, and `<prefix>mailboxes:id` the greatest id there was.
class RedisMailboxes final : public MailboxStore {
 public:
  /// `keeper`: this node's address, if nodes share it; else empty.
  RedisMailboxes(const settings::Redis& settings, std::string prefix, std::string keeper = {});

  bool open(std::string& problem) override;
  bool load(std::vector<StoredMailbox>& out, std::string& problem) override;
  /// As one transaction. Connects again first if the connection was lost.
  bool commit(const std::vector<MailboxChange>& changes, std::string& problem) override;
  bool is_shared() const override { return !keeper_.empty(); }
  bool hold(MailboxHold& out, std::string& problem) override;
  void let_go() override;

 private:
  using Command = std::vector<std::string>;

  bool connect(std::string& problem);
  /// The next answer; nullptr, and the connection is closed, if there is none or it is an error.
  redis::Reply answer(std::string& problem);
  redis::Reply ask(const Command& command, std::string& problem);
  /// Has what is committed next fail if another node keeps the mailboxes.
  bool watch(std::string& problem);
  std::string keeper_key() const { return prefix_ + "mailboxes:keeper"; }
  std::string last_id_key() const { return prefix_ + "mailboxes:id"; }
  bool load_messages(StoredMailbox& box, std::string& problem);
  bool lose(std::string_view what, std::string& problem);
  void warn_if_not_durable();
  std::string messages_of(std::string_view identity) const;
  std::vector<Command> commands_of(const MailboxChange& change) const;

  redis::Dialer dialer_;
  const std::string prefix_;
  const std::string keeper_;
  std::unique_ptr<redis::Client> client_;
};

}  // namespace crosspoint::storage
