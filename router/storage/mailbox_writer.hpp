#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "storage/mailbox_store.hpp"
#include "storage/owed_changes.hpp"

namespace crosspoint::storage {

/// Writes the changes of a realm's mailboxes on a thread of its own, all that have come since the last time at once.
/// What cannot be written is refused if somebody waits for it; all the rest, such as the removal of what was delivered,
/// is tried again until it works, in front of everything that comes later.
class MailboxWriter {
 public:
  /// Called on the writer's thread; an empty problem says that the changes are where a crash does not take them.
  using Done = std::function<void(const std::string& problem)>;

  /// `retry`: after how long it is tried again, if nothing else comes.
  explicit MailboxWriter(std::unique_ptr<MailboxStore> store,
                         std::chrono::milliseconds retry = std::chrono::seconds(1));
  /// Writes what is waiting.
  ~MailboxWriter();

  void start();
  /// Any thread; changes are written in the order of the calls. Without `done` nobody waits: all of them have to be
  /// written. Otherwise records and messages are given up if that fails, and the mailboxes have to take them back.
  void write(std::vector<MailboxChange> changes, Done done);

 private:
  struct Entry {
    std::vector<MailboxChange> changes;
    Done done;
  };
  void run();
  /// Waits. False: there is nothing left to do.
  bool take(std::vector<Entry>& batch);
  void commit(const std::vector<Entry>& batch);
  void owe(const std::vector<Entry>& batch);

  const std::unique_ptr<MailboxStore> store_;  // used by thread_ only, once that runs
  const std::chrono::milliseconds retry_;
  OwedChanges owed_;  // of thread_
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Entry> waiting_;  // guarded by mutex_
  bool stopping_ = false;       // guarded by mutex_
  std::thread thread_;
};

}  // namespace crosspoint::storage
