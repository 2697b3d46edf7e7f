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
class RedisMailboxes final : public MailboxStore {
 public:
  RedisMailboxes(const settings::Redis& settings, std::string prefix);

  bool open(std::string& problem) override;
  bool load(std::vector<StoredMailbox>& out, std::string& problem) override;
  /// As one transaction. Connects again first if the connection was lost.
  bool commit(const std::vector<MailboxChange>& changes, std::string& problem) override;

 private:
  using Command = std::vector<std::string>;

  bool connect(std::string& problem);
  /// The next answer; nullptr, and the connection is closed, if there is none or it is an error.
  redis::Reply answer(std::string& problem);
  redis::Reply ask(const Command& command, std::string& problem);
  bool load_messages(StoredMailbox& box, std::string& problem);
  bool lose(std::string_view what, std::string& problem);
  void warn_if_not_durable();
  std::string messages_of(std::string_view identity) const;
  std::vector<Command> commands_of(const MailboxChange& change) const;

  redis::Dialer dialer_;
  const std::string prefix_;
  std::unique_ptr<redis::Client> client_;
};

}  // namespace crosspoint::storage
