#include "storage/sqlite_journal.hpp"

#include <fmt/core.h>

#include "base/log.hpp"
#include "serializers/serializers.hpp"

namespace crosspoint::storage {
namespace {

constexpr const char* kOpen =
    "PRAGMA locking_mode=EXCLUSIVE;"
    "PRAGMA journal_mode=WAL;"
    "PRAGMA synchronous=FULL;";
constexpr const char* kSchema =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE IF NOT EXISTS logs(id INTEGER PRIMARY KEY, uri TEXT NOT NULL, match TEXT NOT NULL,"
    " UNIQUE(uri, match));"
    "CREATE TABLE IF NOT EXISTS events(log INTEGER NOT NULL, sequence INTEGER NOT NULL, time INTEGER NOT NULL,"
    " publication INTEGER NOT NULL, session INTEGER, authid TEXT, authrole TEXT, encoding TEXT NOT NULL,"
    " message BLOB NOT NULL, trustlevel INTEGER, PRIMARY KEY(log, sequence));"
    "PRAGMA user_version=2;"
    "COMMIT;";
/// Version 1 had no trust levels.
constexpr const char* kFromVersion1 =
    "BEGIN IMMEDIATE;"
    "ALTER TABLE events ADD COLUMN trustlevel INTEGER;"
    "PRAGMA user_version=2;"
    "COMMIT;";
constexpr std::int64_t kVersion = 2;

std::size_t size_of(const realm::EventJournal::Entry& entry) {
  static constexpr std::size_t kFixed = 256;
  return kFixed + entry.publish.size();
}

}  // namespace

SqliteJournal::~SqliteJournal() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

bool SqliteJournal::fail(std::string_view doing, std::string& problem) const {
  problem = fmt::format("{} {}: {}", doing, path_, database_.error());
  return false;
}

bool SqliteJournal::open(std::string& problem) {
  if (!database_.open(path_) || !database_.run(kOpen)) return fail("cannot open", problem);
  Statement version = database_.prepare("PRAGMA user_version");
  if (!version.good() || !version.step()) return fail("cannot read", problem);
  const std::int64_t found = version.number(0);
  version.reset();
  if (found != 0 && found != 1 && found != kVersion) {
    problem = fmt::format("{} has version {} of the format; this program knows version {}", path_, found, kVersion);
    return false;
  }
  if (found == 1 && !database_.run(kFromVersion1)) return fail("cannot bring up to date", problem);
  if (!database_.run(kSchema)) return fail("cannot make the tables of", problem);
  insert_ = database_.prepare("INSERT INTO events VALUES(?,?,?,?,?,?,?,?,?,?)");
  trim_ = database_.prepare("DELETE FROM events WHERE log=? AND sequence<?");
  return (insert_.good() && trim_.good()) || fail("cannot use", problem);
}

bool SqliteJournal::read_id(std::string_view uri, wamp::Match match, std::int64_t& id) {
  const std::string_view name = to_string(match);
  Statement add = database_.prepare("INSERT OR IGNORE INTO logs(uri, match) VALUES(?,?)");
  if (!add.good() || !add.bind(1, uri).bind(2, name).run()) return false;
  Statement find = database_.prepare("SELECT id FROM logs WHERE uri=? AND match=?");
  if (!find.good() || !find.bind(1, uri).bind(2, name).step()) return false;
  id = find.number(0);
  return true;
}

bool SqliteJournal::attach(realm::EventLog& log, std::string_view uri, wamp::Match match, std::string& problem) {
  std::int64_t id = 0;
  if (!read_id(uri, match, id)) return fail("cannot use", problem);
  ids_.emplace(&log, id);
  Statement rows = database_.prepare(
      "SELECT sequence, time, publication, session, authid, authrole, encoding, message, trustlevel FROM events"
      " WHERE log=? ORDER BY sequence");
  if (!rows.good()) return fail("cannot read", problem);
  rows.bind(1, id);
  std::vector<realm::LoggedEvent> events;
  while (rows.step()) {
    std::shared_ptr<realm::Identity> publisher;
    if (!rows.is_null(3)) {
      publisher = std::make_shared<realm::Identity>();
      publisher->session = static_cast<wamp::SessionId>(rows.number(3));
      publisher->authid = rows.bytes(4);
      publisher->authrole = rows.bytes(5);
    }
    const auto* serializer = serializers::find_by_name(rows.bytes(6));
    realm::PublicationRef publication;
    if (serializer != nullptr) {
      publication = realm::read_publication(
          serializer->encoding, rows.bytes(7), static_cast<wamp::PublicationId>(rows.number(2)), std::move(publisher),
          rows.is_null(8) ? wamp::kNoTrustLevel : static_cast<wamp::TrustLevel>(rows.number(8)));
    }
    if (!publication) {
      problem = fmt::format("{}: event {} of \"{}\" cannot be read", path_, rows.number(0), uri);
      return false;
    }
    events.push_back({static_cast<std::uint64_t>(rows.number(0)), rows.number(1), std::move(publication)});
  }
  if (rows.failed()) return fail("cannot read", problem);
  log::info("{}: {} events of \"{}\" ({})", path_, events.size(), uri, to_string(match));
  log.restore(std::move(events));
  return true;
}

void SqliteJournal::start() {
  thread_ = std::thread([this] { run(); });
}

void SqliteJournal::write(Entry entry) {
  backlog_.fetch_add(size_of(entry), std::memory_order_relaxed);
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    first = waiting_.empty();
    waiting_.push_back(std::move(entry));
  }
  if (first) changed_.notify_one();
}

void SqliteJournal::run() {
  for (;;) {
    std::vector<Entry> entries;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      std::swap(entries, waiting_);
    }
    std::string problem;
    if (!commit(entries)) {
      problem = database_.error();
      database_.run("ROLLBACK");
      log::error("{}: {} events could not be written, and will be missing after a restart: {}", path_, entries.size(),
                 problem);
    }
    acknowledge(entries, problem);
    std::size_t bytes = 0;
    for (const Entry& entry : entries) bytes += size_of(entry);
    backlog_.fetch_sub(bytes, std::memory_order_relaxed);
  }
}

bool SqliteJournal::commit(const std::vector<Entry>& entries) {
  if (!database_.run("BEGIN IMMEDIATE")) return false;
  tsl::robin_map<std::int64_t, std::int64_t> oldest;  // by log
  for (const Entry& entry : entries) {
    for (const Place& place : entry.places) {
      const std::int64_t log = ids_.at(place.log);
      if (!entry.publication) floors_[log] = std::max(floors_[log], place.place.oldest);
      // A flush may have overtaken an event on its way here.
      if (entry.publication && place.place.sequence >= floors_[log] && !insert(entry, place)) return false;
      auto& least = oldest[log];
      least = std::max(least, static_cast<std::int64_t>(place.place.oldest));
    }
  }
  for (const auto& [log, sequence] : oldest) {
    if (!trim_.bind(1, log).bind(2, sequence).run()) return false;
  }
  return database_.run("COMMIT");
}

bool SqliteJournal::insert(const Entry& entry, const Place& place) {
  insert_.bind(1, ids_.at(place.log)).bind(2, static_cast<std::int64_t>(place.place.sequence)).bind(3, entry.time);
  insert_.bind(4, static_cast<std::int64_t>(entry.publication->id));
  if (const realm::Identity* publisher = entry.publication->publisher.get()) {
    insert_.bind(5, static_cast<std::int64_t>(publisher->session));
    insert_.bind(6, publisher->authid).bind(7, publisher->authrole);
  } else {
    insert_.bind_null(5).bind_null(6).bind_null(7);
  }
  if (const wamp::TrustLevel level = entry.publication->trustlevel; level != wamp::kNoTrustLevel) {
    insert_.bind(10, static_cast<std::int64_t>(level));
  } else {
    insert_.bind_null(10);
  }
  insert_.bind(8, serializers::of(entry.encoding).name).bind_bytes(9, entry.publish);
  return insert_.run();
}

void SqliteJournal::acknowledge(const std::vector<Entry>& entries, const std::string& problem) const {
  std::vector<std::vector<realm::ShardMessage>> messages;  // by shard
  for (const Entry& entry : entries) {
    if (entry.request == 0) continue;
    const unsigned shard = entry.publisher.shard;
    if (messages.size() <= shard) messages.resize(shard + 1);
    realm::StoredPublication stored{entry.publisher, entry.request, 0, problem};
    if (entry.publication) {
      stored.publication = entry.publication->id;
    } else {
      stored.flushed = entry.flushed;
    }
    messages[shard].push_back(std::move(stored));
  }
  for (unsigned shard = 0; shard < messages.size(); ++shard) {
    if (!messages[shard].empty()) deliver_(shard, std::move(messages[shard]));
  }
}

}  // namespace crosspoint::storage
