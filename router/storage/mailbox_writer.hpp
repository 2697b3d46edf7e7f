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
  /// Of a shared store: who keeps the mailboxes, or why that is not known.
  struct News {
    std::string problem;
    MailboxHold hold;
    std::chrono::steady_clock::time_point since;  ///< from when on kHoldTime counts
    std::vector<StoredMailbox> stored;            ///< with hold.anew: what this node is to keep
    std::uint64_t term = 0;                       ///< for begin_term()
  };
  using OnNews = std::function<void(News news)>;

  /// `retry`: after how long it is tried again, if nothing else comes. `hold`: how often a shared store is held.
  explicit MailboxWriter(std::unique_ptr<MailboxStore> store, std::chrono::milliseconds retry = std::chrono::seconds(1),
                         std::chrono::milliseconds hold = std::chrono::seconds(1));
  /// Writes what is waiting.
  ~MailboxWriter();

  /// `on_news` is called on the writer's thread each time that it holds a store that nodes share the store.
  void start(OnNews on_news = nullptr);
  /// Any thread; changes are written in the order of the calls. Without `done` nobody waits: all of them have to be
  /// written. Otherwise records and messages are given up if that fails, and the mailboxes have to take them back.
  void write(std::vector<MailboxChange> changes, Done done);
  /// The thread that writes: what it writes from now on is about the mailboxes as the News with this term had them.
  /// What it wrote before and is of another term is refused, since another node may have changed them.
  void begin_term(std::uint64_t term);

 private:
  struct Entry {
    std::vector<MailboxChange> changes;
    Done done;
    std::uint64_t term = 0;
  };
  void run();
  /// Waits. False: there is nothing left to do.
  bool take(std::vector<Entry>& batch);
  void commit(const std::vector<Entry>& batch);
  void refuse_former(std::vector<Entry>& batch) const;
  void owe(const std::vector<Entry>& batch);
  void hold();

  const std::unique_ptr<MailboxStore> store_;  // used by thread_ only, once that runs
  const std::chrono::milliseconds retry_;
  const std::chrono::milliseconds hold_again_;
  OnNews on_news_;    // nullptr: the store is not shared
  OwedChanges owed_;  // of thread_, like all down to mutex_
  bool loaded_ = false;
  std::uint64_t term_ = 0;  // counts up whenever this node begins to keep the mailboxes, or does not
  std::chrono::steady_clock::time_point next_hold_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Entry> waiting_;  // guarded by mutex_
  bool stopping_ = false;       // guarded by mutex_
  std::uint64_t begun_ = 0;     // guarded by mutex_: the term of what comes
  std::thread thread_;
};

}  // namespace crosspoint::storage
