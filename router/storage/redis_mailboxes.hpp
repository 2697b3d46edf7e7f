#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "storage/mailbox_store.hpp"

struct redisContext;
struct redisReply;

namespace crosspoint::storage {

/// Which Redis server, and where in it.
struct RedisAddress {
  std::string host;
  std::uint16_t port = 6379;
  std::string password;  ///< empty: none
  std::uint32_t database = 0;
  std::string prefix;  ///< of all keys
};

/// Mailboxes in Redis: the hash `<prefix>mailboxes` has the records, as JSON, by identity; the sorted set
/// `<prefix>mailbox:<identity>` the messages by id. What is committed survives a crash of the router; a crash of Redis
/// or of its machine only if Redis has `appendonly yes` and `appendfsync always`, which open() checks and warns about.
class RedisMailboxes final : public MailboxStore {
 public:
  explicit RedisMailboxes(RedisAddress address);
  ~RedisMailboxes() override;

  bool open(std::string& problem) override;
  bool load(std::vector<StoredMailbox>& out, std::string& problem) override;
  /// As one transaction. Connects again first if the connection was lost.
  bool commit(const std::vector<MailboxChange>& changes, std::string& problem) override;

 private:
  struct Disconnect {
    void operator()(redisContext* context) const;
  };
  struct Free {
    void operator()(redisReply* reply) const;
  };
  using Reply = std::unique_ptr<redisReply, Free>;
  using Command = std::vector<std::string>;

  bool connect(std::string& problem);
  bool queue(const Command& command);
  /// The next answer; nullptr, and the connection is closed, if there is none or it is an error.
  Reply answer(std::string& problem);
  Reply ask(const Command& command, std::string& problem);
  bool load_messages(StoredMailbox& box, std::string& problem);
  bool lose(std::string_view what, std::string& problem);
  void warn_if_not_durable();
  std::string messages_of(std::string_view identity) const;
  std::vector<Command> commands_of(const MailboxChange& change) const;

  const RedisAddress address_;
  std::unique_ptr<redisContext, Disconnect> context_;
};

}  // namespace crosspoint::storage
