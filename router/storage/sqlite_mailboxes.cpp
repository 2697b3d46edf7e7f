#include "storage/sqlite_mailboxes.hpp"

#include <fmt/core.h>

#include <map>

namespace crosspoint::storage {
namespace {

constexpr const char* kOpen =
    "PRAGMA locking_mode=EXCLUSIVE;"
    "PRAGMA journal_mode=WAL;"
    "PRAGMA synchronous=FULL;";
// The number says whose file it is: a database of event history is refused.
constexpr const char* kSchema =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE IF NOT EXISTS mailboxes(identity TEXT PRIMARY KEY, lifetime INTEGER NOT NULL,"
    " max_connections INTEGER NOT NULL, confirm INTEGER NOT NULL, expires INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS messages(identity TEXT NOT NULL, id INTEGER NOT NULL, kind INTEGER NOT NULL,"
    " bytes BLOB NOT NULL, PRIMARY KEY(identity, id)) WITHOUT ROWID;"
    "PRAGMA user_version=101;"
    "COMMIT;";
constexpr std::int64_t kVersion = 101;

}  // namespace

bool SqliteMailboxes::fail(std::string_view doing, std::string& problem) const {
  problem = fmt::format("{} {}: {}", doing, path_, database_.error());
  return false;
}

bool SqliteMailboxes::open(std::string& problem) {
  if (!database_.open(path_) || !database_.run(kOpen)) return fail("cannot open", problem);
  Statement version = database_.prepare("PRAGMA user_version");
  if (!version.good() || !version.step()) return fail("cannot read", problem);
  const std::int64_t found = version.number(0);
  version.reset();
  if (found != 0 && found != kVersion) {
    problem = fmt::format("{} has version {} of the format; mailboxes have version {}", path_, found, kVersion);
    return false;
  }
  if (!database_.run(kSchema)) return fail("cannot make the tables of", problem);
  put_ = database_.prepare("INSERT OR REPLACE INTO mailboxes VALUES(?,?,?,?,?)");
  add_ = database_.prepare("INSERT INTO messages VALUES(?,?,?,?)");
  remove_ = database_.prepare("DELETE FROM messages WHERE identity=? AND id<=?");
  drop_mailbox_ = database_.prepare("DELETE FROM mailboxes WHERE identity=?");
  drop_messages_ = database_.prepare("DELETE FROM messages WHERE identity=?");
  const bool good = put_.good() && add_.good() && remove_.good() && drop_mailbox_.good() && drop_messages_.good();
  return good || fail("cannot use", problem);
}

bool SqliteMailboxes::load(std::vector<StoredMailbox>& out, std::string& problem) {
  std::map<std::string, std::size_t, std::less<>> places;
  Statement boxes = database_.prepare(
      "SELECT identity, lifetime, max_connections, confirm, expires FROM mailboxes ORDER BY identity");
  if (!boxes.good()) return fail("cannot read", problem);
  while (boxes.step()) {
    StoredMailbox& box = out.emplace_back();
    box.identity = boxes.bytes(0);
    box.record = {static_cast<std::uint32_t>(boxes.number(1)), static_cast<std::uint32_t>(boxes.number(2)),
                  boxes.number(3) != 0, boxes.number(4)};
    places.emplace(box.identity, out.size() - 1);
  }
  Statement messages = database_.prepare("SELECT identity, id, kind, bytes FROM messages ORDER BY identity, id");
  if (boxes.failed() || !messages.good()) return fail("cannot read", problem);
  while (messages.step()) {
    const auto place = places.find(messages.bytes(0));
    if (place == places.end()) continue;
    auto message = std::make_shared<const MailMessage>(
        MailMessage{static_cast<MailMessage::Kind>(messages.number(2)), std::string(messages.bytes(3))});
    out[place->second].messages.emplace_back(static_cast<std::uint64_t>(messages.number(1)), std::move(message));
  }
  return !messages.failed() || fail("cannot read", problem);
}

bool SqliteMailboxes::commit(const std::vector<MailboxChange>& changes, std::string& problem) {
  bool good = database_.run("BEGIN IMMEDIATE");
  for (const MailboxChange& change : changes) good = good && apply(change);
  if (good && database_.run("COMMIT")) return true;
  fail("cannot write", problem);
  database_.run("ROLLBACK");
  return false;
}

bool SqliteMailboxes::apply(const MailboxChange& change) {
  const MailboxRecord& record = change.record;
  switch (change.kind) {
    case MailboxChange::Kind::put:
      put_.bind(1, change.identity)
          .bind(2, std::int64_t{record.lifetime})
          .bind(3, std::int64_t{record.max_connections});
      return put_.bind(4, std::int64_t{record.confirm}).bind(5, record.expires).run();
    case MailboxChange::Kind::add:
      add_.bind(1, change.identity).bind(2, static_cast<std::int64_t>(change.id));
      return add_.bind(3, static_cast<std::int64_t>(change.message->kind)).bind_bytes(4, change.message->bytes).run();
    case MailboxChange::Kind::remove:
      return remove_.bind(1, change.identity).bind(2, static_cast<std::int64_t>(change.id)).run();
    default:
      return drop_messages_.bind(1, change.identity).run() && drop_mailbox_.bind(1, change.identity).run();
  }
}

}  // namespace crosspoint::storage
