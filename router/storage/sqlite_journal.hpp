#pragma once

#include <tsl/robin_map.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "realm/event_journal.hpp"
#include "storage/sqlite.hpp"
#include "wamp/uri.hpp"

namespace crosspoint::storage {

/// The event logs of one realm in a SQLite database. A thread of its own writes what has come since the last time in
/// one transaction; publications that are to be acknowledged are so after it, when they are on disk (write-ahead log,
/// synchronous: they survive the end of the program, and of the machine). The program reads the file only when it
/// starts. One program at a time may have the file open.
class SqliteJournal final : public realm::EventJournal {
 public:
  /// Called on the journal's thread: hands messages to a shard of the realm.
  using Deliver = std::function<void(unsigned shard, std::vector<realm::ShardMessage> messages)>;

  SqliteJournal(std::string path, Deliver deliver) : path_(std::move(path)), deliver_(std::move(deliver)) {}
  /// Writes what is waiting.
  ~SqliteJournal() override;

  // In this order, on one thread. They return false and say why in `problem`.
  bool open(std::string& problem);
  /// Fills a log with what the file has of it. `log` must live as long as this.
  bool attach(realm::EventLog& log, std::string_view uri, wamp::Match match, std::string& problem);
  void start();

  void write(Entry entry) override;
  std::size_t backlog() const override { return backlog_.load(std::memory_order_relaxed); }

 private:
  bool fail(std::string_view doing, std::string& problem) const;
  bool read_id(std::string_view uri, wamp::Match match, std::int64_t& id);
  void run();
  bool commit(const std::vector<Entry>& entries);
  bool insert(const Entry& entry, const Place& place);
  void acknowledge(const std::vector<Entry>& entries, const std::string& problem) const;

  const std::string path_;
  const Deliver deliver_;
  Database database_;
  Statement insert_;
  Statement trim_;
  tsl::robin_map<const realm::EventLog*, std::int64_t> ids_;  // of logs in the file; constant after start()
  tsl::robin_map<std::int64_t, std::uint64_t> floors_;        // by log: what comes before was flushed; of the thread
  std::atomic<std::size_t> backlog_{0};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Entry> waiting_;  // guarded by mutex_
  bool stopping_ = false;       // guarded by mutex_
  std::thread thread_;
};

}  // namespace crosspoint::storage
