#pragma once

#include "storage/mailbox_store.hpp"
#include "storage/sqlite.hpp"

namespace crosspoint::storage {

/// Mailboxes in a SQLite database of their own (write-ahead log, synchronous: what is committed survives the end of the
/// program, and of the machine). One program at a time may have the file open.
class SqliteMailboxes final : public MailboxStore {
 public:
  explicit SqliteMailboxes(std::string path) : path_(std::move(path)) {}

  bool open(std::string& problem) override;
  bool load(std::vector<StoredMailbox>& out, std::string& problem) override;
  bool commit(const std::vector<MailboxChange>& changes, std::string& problem) override;

 private:
  bool fail(std::string_view doing, std::string& problem) const;
  bool apply(const MailboxChange& change);

  const std::string path_;
  Database database_;
  Statement put_, add_, remove_, drop_mailbox_, drop_messages_;
};

}  // namespace crosspoint::storage
