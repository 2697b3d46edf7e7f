#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "storage/mailbox_store.hpp"

namespace crosspoint::storage {

/// Writes the changes of a realm's mailboxes on a thread of its own, all that have come since the last time at once.
class MailboxWriter {
 public:
  /// Called on the writer's thread; an empty problem says that the changes are where a crash does not take them.
  using Done = std::function<void(const std::string& problem)>;

  explicit MailboxWriter(std::unique_ptr<MailboxStore> store) : store_(std::move(store)) {}
  /// Writes what is waiting.
  ~MailboxWriter();

  void start();
  /// Any thread; changes are written in the order of the calls.
  void write(std::vector<MailboxChange> changes, Done done);

 private:
  struct Batch {
    std::vector<MailboxChange> changes;
    std::vector<Done> done;
  };
  void run();

  const std::unique_ptr<MailboxStore> store_;  // used by thread_ only, once that runs
  std::mutex mutex_;
  std::condition_variable changed_;
  Batch waiting_;          // guarded by mutex_
  bool stopping_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace crosspoint::storage
