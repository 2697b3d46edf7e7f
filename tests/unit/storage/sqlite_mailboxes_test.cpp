#include "storage/sqlite_mailboxes.hpp"

#include <unistd.h>
#include <catch2/catch.hpp>

#include <algorithm>
#include <filesystem>
#include <mutex>

#include "storage/mailbox_writer.hpp"

using namespace crosspoint::storage;
using namespace std::string_literals;
namespace fs = std::filesystem;
using Kind = MailboxChange::Kind;

namespace {

struct Directory {
  Directory() {
    std::string name = (fs::temp_directory_path() / "mailboxes-XXXXXX").string();
    path = ::mkdtemp(name.data());
  }
  ~Directory() { fs::remove_all(path); }
  std::string file() const { return (path / "mailboxes.db").string(); }
  fs::path path;
};

MailboxChange put(std::string identity, MailboxRecord record) {
  return {.kind = Kind::put, .identity = std::move(identity), .record = record};
}

MailboxChange add(std::string identity, std::uint64_t id, MailMessage::Kind kind, std::string bytes) {
  auto message = std::make_shared<const MailMessage>(MailMessage{kind, std::move(bytes)});
  return {.kind = Kind::add, .identity = std::move(identity), .id = id, .message = std::move(message)};
}

std::vector<StoredMailbox> load(const std::string& file) {
  SqliteMailboxes store(file);
  std::string problem;
  std::vector<StoredMailbox> found;
  REQUIRE(store.open(problem));
  REQUIRE(store.load(found, problem));
  return found;
}

}  // namespace

TEST_CASE("what is committed to a database of mailboxes is found there again, and nothing else") {
  const Directory directory;
  const MailboxRecord ann{60, 2, true, 0};
  const MailboxRecord bob{3600, 1, false, 1795000000000};
  {
    SqliteMailboxes store(directory.file());
    std::string problem;
    std::vector<StoredMailbox> found;
    REQUIRE(store.open(problem));
    REQUIRE(store.load(found, problem));
    REQUIRE(found.empty());
    REQUIRE(store.commit({put("ann", {1, 1}), put("bob", bob), put("cid", ann), put("ann", ann)}, problem));
    REQUIRE(store.commit({add("ann", 5, MailMessage::Kind::text, "h\xc3\xa9"),
                          add("ann", 9007199254740991, MailMessage::Kind::binary, "\0\xff"s),
                          add("bob", 6, MailMessage::Kind::json, "{}"), add("bob", 7, MailMessage::Kind::text, ""),
                          add("bob", 8, MailMessage::Kind::text, "8"), add("cid", 9, MailMessage::Kind::text, "9")},
                         problem));
    REQUIRE(store.commit({{.kind = Kind::remove, .identity = "bob", .id = 7}, {.kind = Kind::drop, .identity = "cid"}},
                         problem));
    // One that cannot be done takes the others with it.
    REQUIRE_FALSE(store.commit({put("dan", ann), add("ann", 5, MailMessage::Kind::text, "again")}, problem));
    REQUIRE(problem.find("mailboxes.db") != std::string::npos);
    REQUIRE(store.commit({put("eve", ann)}, problem));
  }
  const auto found = load(directory.file());
  REQUIRE(found.size() == 3);
  REQUIRE(found[0].identity == "ann");
  REQUIRE(found[0].record == ann);
  REQUIRE(found[0].messages.size() == 2);
  REQUIRE(found[0].messages[0].first == 5);
  REQUIRE(found[0].messages[0].second->bytes == "h\xc3\xa9");
  REQUIRE(found[0].messages[1].first == 9007199254740991);
  REQUIRE(found[0].messages[1].second->bytes == "\0\xff"s);
  REQUIRE(found[0].messages[1].second->kind == MailMessage::Kind::binary);
  REQUIRE(found[1].record == bob);
  REQUIRE(found[1].messages.size() == 1);
  REQUIRE(found[1].messages[0].second->bytes == "8");
  REQUIRE(found[2].identity == "eve");
}

TEST_CASE("a file that is no database of mailboxes is refused, and one that cannot be made") {
  const Directory directory;
  {
    Database other;
    REQUIRE(other.open(directory.file()));
    REQUIRE(other.run("PRAGMA user_version=1"));
  }
  std::string problem;
  REQUIRE_FALSE(SqliteMailboxes(directory.file()).open(problem));
  REQUIRE(problem.find("version 1 ") != std::string::npos);
  REQUIRE_FALSE(SqliteMailboxes((directory.path / "none" / "file").string()).open(problem));
  REQUIRE(problem.find("cannot open") != std::string::npos);
}

TEST_CASE("the writer writes in order, says when it is done, and writes what waits before it ends") {
  const Directory directory;
  constexpr std::uint64_t kMessages = 500;
  std::mutex mutex;
  std::vector<std::uint64_t> done;
  {
    auto store = std::make_unique<SqliteMailboxes>(directory.file());
    std::string problem;
    REQUIRE(store->open(problem));
    MailboxWriter writer(std::move(store));
    writer.write({put("ann", {60, 1})}, [](const std::string&) {});
    writer.start();
    for (std::uint64_t id = 1; id <= kMessages; ++id) {
      writer.write({add("ann", id, MailMessage::Kind::text, "x")}, [&, id](const std::string& said) {
        const std::lock_guard lock(mutex);
        if (said.empty()) done.push_back(id);
      });
    }
  }
  REQUIRE(done.size() == kMessages);
  REQUIRE(std::is_sorted(done.begin(), done.end()));
  REQUIRE(load(directory.file()).at(0).messages.size() == kMessages);
}
