#include "storage/sqlite_journal.hpp"

#include <unistd.h>
#include <catch2/catch.hpp>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>

using namespace crosspoint;
using storage::SqliteJournal;
namespace fs = std::filesystem;

namespace {

/// A directory of its own for each test, gone with it.
class Directory {
 public:
  Directory() {
    std::string name = (fs::temp_directory_path() / "journal-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~Directory() { fs::remove_all(path_); }
  std::string file() const { return (path_ / "history.db").string(); }

 private:
  fs::path path_;
};

/// What a journal has acknowledged.
class Acknowledged {
 public:
  SqliteJournal::Deliver deliver() {
    return [this](unsigned shard, std::vector<realm::ShardMessage> messages) {
      const std::lock_guard lock(mutex_);
      for (const auto& message : messages) all_.emplace_back(shard, std::get<realm::StoredPublication>(message));
      changed_.notify_one();
    };
  }
  /// Waits until there are so many.
  std::vector<std::pair<unsigned, realm::StoredPublication>> wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return all_.size() >= count; });
    return all_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::pair<unsigned, realm::StoredPublication>> all_;
};

wamp::Publish message(std::string_view topic, std::string_view arguments) {
  wamp::Publish publish;
  publish.topic = topic;
  publish.payload = wamp::Payload::from_json(arguments, 1);
  return publish;
}

/// Adds an event to a log and has it written, as Broker does.
void store(SqliteJournal& journal, realm::EventLog& log, const wamp::Publish& publish, wamp::PublicationId id,
           wamp::RequestId request, std::shared_ptr<const realm::Identity> publisher = nullptr, unsigned shard = 0,
           wamp::TrustLevel trustlevel = wamp::kNoTrustLevel) {
  auto publication = std::make_shared<realm::Publication>();
  publication->trustlevel = trustlevel;
  publication->id = id;
  publication->topic = publish.topic;
  publication->publisher = std::move(publisher);
  publication->payload = publish.payload;
  realm::EventJournal::Entry entry;
  entry.time = static_cast<std::int64_t>(1000 * id);
  entry.places.push_back({&log, log.append(entry.time, publication)});
  entry.publication = publication;
  entry.encoding = publish.payload.encoding;
  entry.publish = realm::write_publication(publish);
  entry.publisher = {shard, 7, 1};
  entry.request = request;
  journal.write(std::move(entry));
}

}  // namespace

TEST_CASE("events in a database are there again when it is opened the next time") {
  const Directory directory;
  std::string problem;
  Acknowledged acknowledged;
  auto publisher = std::make_shared<realm::Identity>();
  publisher->session = 77;
  publisher->authid = "ann";
  publisher->authrole = "user";
  {
    realm::EventLog log({3});
    realm::EventLog other({});
    SqliteJournal journal(directory.file(), acknowledged.deliver());
    REQUIRE(journal.open(problem));
    REQUIRE(journal.attach(log, "com.topic", wamp::Match::exact, problem));
    REQUIRE(journal.attach(other, "com.topic", wamp::Match::prefix, problem));
    journal.start();
    for (wamp::PublicationId id = 1; id <= 5; ++id) {
      store(journal, log, message("com.topic", "[" + std::to_string(id) + "]"), id, id, publisher, id == 5 ? 2 : 0);
    }
    const auto all = acknowledged.wait_for(5);
    for (const auto& [shard, stored] : all) {
      REQUIRE(shard == (stored.publication == 5 ? 2 : 0));
      REQUIRE(stored.request == stored.publication);
      REQUIRE(stored.publisher == realm::SessionKey{shard, 7, 1});
      REQUIRE(stored.problem.empty());
    }
    store(journal, other, message("com.topic.x", R"(["not acknowledged"])"), 6, 0);
  }  // writes what waits
  REQUIRE(acknowledged.wait_for(5).size() == 5);
  realm::EventLog log({3});
  realm::EventLog other({});
  realm::EventLog fresh({});
  SqliteJournal journal(directory.file(), acknowledged.deliver());
  REQUIRE(journal.open(problem));
  REQUIRE(journal.attach(log, "com.topic", wamp::Match::exact, problem));
  REQUIRE(journal.attach(other, "com.topic", wamp::Match::prefix, problem));
  REQUIRE(journal.attach(fresh, "com", wamp::Match::prefix, problem));
  const auto events = log.events();
  REQUIRE(events.size() == 3);
  REQUIRE(events[0].publication->id == 3);
  REQUIRE(events[2].time == 5000);
  REQUIRE(events[2].publication->topic == "com.topic");
  REQUIRE(base::as_text(events[2].publication->payload.bytes) == "[5]");
  REQUIRE(events[2].publication->publisher->session == 77);
  REQUIRE(events[2].publication->publisher->authid == "ann");
  REQUIRE(events[2].publication->publisher->authrole == "user");
  REQUIRE(other.events().size() == 1);
  REQUIRE(other.events()[0].publication->topic == "com.topic.x");
  REQUIRE(other.events()[0].publication->publisher == nullptr);
  REQUIRE(fresh.events().empty());
  REQUIRE(log.append(1, events[0].publication).sequence == events[2].sequence + 1);
}

TEST_CASE("a database that cannot be used is named, with the reason") {
  const Directory directory;
  std::string problem;
  SqliteJournal nowhere(directory.file() + "/none/x.db", {});
  REQUIRE_FALSE(nowhere.open(problem));
  REQUIRE(problem == "cannot open " + directory.file() + "/none/x.db: unable to open database file");
  std::ofstream(directory.file()) << "this is no database, but some text that is long enough to be one";
  SqliteJournal text(directory.file(), {});
  REQUIRE_FALSE(text.open(problem));
  REQUIRE(problem.find("file is not a database") != std::string::npos);
  fs::remove(directory.file());
  SqliteJournal one(directory.file(), {});
  REQUIRE(one.open(problem));
  SqliteJournal second(directory.file(), {});
  REQUIRE_FALSE(second.open(problem));
  REQUIRE(problem.find("database is locked") != std::string::npos);
}

TEST_CASE("what was flushed is gone from the file, also what comes there later than the flush") {
  const Directory directory;
  std::string problem;
  Acknowledged acknowledged;
  const auto attached = [&](SqliteJournal& journal, realm::EventLog& log) {
    REQUIRE(journal.open(problem));
    REQUIRE(journal.attach(log, "com.topic", wamp::Match::exact, problem));
  };
  {
    realm::EventLog log({});
    SqliteJournal journal(directory.file(), acknowledged.deliver());
    attached(journal, log);
    journal.start();
    for (wamp::PublicationId id = 1; id <= 3; ++id) store(journal, log, message("com.topic", "[1]"), id, 0);
    // An event that has its place in the log already, and is written behind the flush.
    auto late = std::make_shared<realm::Publication>();
    late->id = 4;
    realm::EventJournal::Entry entry;
    entry.places.push_back({&log, log.append(4000, late)});
    entry.publication = late;
    entry.publish = realm::write_publication(message("com.topic", "[4]"));
    entry.publisher = {0, 7, 1};
    entry.request = 4;
    const auto flushed = log.flush();
    REQUIRE(flushed.count == 4);
    realm::EventJournal::Entry flush;
    flush.places.push_back({&log, {0, flushed.next}});
    flush.flushed = flushed.count;
    flush.publisher = {1, 7, 1};
    flush.request = 9;
    journal.write(std::move(flush));
    REQUIRE(acknowledged.wait_for(1)[0].second.flushed == std::optional<std::size_t>(4));
    journal.write(std::move(entry));
    REQUIRE_FALSE(acknowledged.wait_for(2)[1].second.flushed);
  }
  {
    realm::EventLog log({});
    SqliteJournal journal(directory.file(), acknowledged.deliver());
    attached(journal, log);
    REQUIRE(log.events().empty());
    journal.start();
    store(journal, log, message("com.topic", "[5]"), 5, 5);
    acknowledged.wait_for(3);
  }
  realm::EventLog log({});
  SqliteJournal journal(directory.file(), acknowledged.deliver());
  attached(journal, log);
  REQUIRE(log.events().size() == 1);
}

TEST_CASE("trust levels are kept; a file that knew none is brought up to date, with its events") {
  const Directory directory;
  std::string problem;
  Acknowledged acknowledged;
  {
    storage::Database database;
    REQUIRE(database.open(directory.file()));
    REQUIRE(
        database.run("CREATE TABLE logs(id INTEGER PRIMARY KEY, uri TEXT NOT NULL, match TEXT NOT NULL,"
                     " UNIQUE(uri, match));"
                     "CREATE TABLE events(log INTEGER NOT NULL, sequence INTEGER NOT NULL, time INTEGER NOT NULL,"
                     " publication INTEGER NOT NULL, session INTEGER, authid TEXT, authrole TEXT,"
                     " encoding TEXT NOT NULL, message BLOB NOT NULL, PRIMARY KEY(log, sequence));"
                     "INSERT INTO logs VALUES(1, 'com.topic', 'exact');"
                     "INSERT INTO events VALUES(1, 1, 1000, 11, NULL, NULL, NULL, 'json',"
                     " CAST('[16,1,{},\"com.topic\",[1]]' AS BLOB));"
                     "PRAGMA user_version=1;"));
  }
  for (const bool again : {false, true}) {
    realm::EventLog log({});
    SqliteJournal journal(directory.file(), acknowledged.deliver());
    REQUIRE(journal.open(problem));
    REQUIRE(journal.attach(log, "com.topic", wamp::Match::exact, problem));
    const auto events = log.events();
    REQUIRE(events.size() == (again ? 3 : 1));
    REQUIRE(events[0].publication->id == 11);
    REQUIRE(events[0].publication->trustlevel == wamp::kNoTrustLevel);
    if (again) {
      REQUIRE(events[1].publication->trustlevel == 6);
      REQUIRE(events[2].publication->trustlevel == wamp::kNoTrustLevel);
      break;
    }
    journal.start();
    store(journal, log, message("com.topic", "[2]"), 12, 1, nullptr, 0, 6);
    store(journal, log, message("com.topic", "[3]"), 13, 2);
    acknowledged.wait_for(2);
  }
}

TEST_CASE("a database of another version is left alone") {
  const Directory directory;
  std::string problem;
  {
    storage::Database database;
    REQUIRE(database.open(directory.file()));
    REQUIRE(database.run("PRAGMA user_version=3; CREATE TABLE t(x);"));
  }
  SqliteJournal journal(directory.file(), {});
  REQUIRE_FALSE(journal.open(problem));
  REQUIRE(problem == directory.file() + " has version 3 of the format; this program knows version 2");
}

TEST_CASE("an event that cannot be written is answered with the reason") {
  const Directory directory;
  std::string problem;
  Acknowledged acknowledged;
  realm::EventLog log({});
  SqliteJournal journal(directory.file(), acknowledged.deliver());
  REQUIRE(journal.open(problem));
  REQUIRE(journal.attach(log, "com.topic", wamp::Match::exact, problem));
  realm::EventLog again({});
  REQUIRE(journal.attach(again, "com.topic", wamp::Match::exact, problem));
  journal.start();
  store(journal, log, message("com.topic", "[1]"), 1, 1);
  acknowledged.wait_for(1);
  store(journal, again, message("com.topic", "[2]"), 2, 2);  // the same place once more
  const auto all = acknowledged.wait_for(2);
  REQUIRE(all[0].second.problem.empty());
  REQUIRE(all[1].second.problem.find("UNIQUE") != std::string::npos);
  store(journal, log, message("com.topic", "[3]"), 3, 3);
  REQUIRE(acknowledged.wait_for(3)[2].second.problem.empty());
}
