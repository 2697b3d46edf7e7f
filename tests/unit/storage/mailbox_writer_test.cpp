#include "storage/mailbox_writer.hpp"

#include <catch2/catch.hpp>
#include <future>

using namespace crosspoint::storage;
using Kind = MailboxChange::Kind;

namespace {

/// A store that is away for so many commits, and what it has been given since.
struct Shared {
  std::mutex mutex;
  std::condition_variable changed;
  int failures = 0;
  std::vector<MailboxChange> written;

  void wait_for(std::size_t count) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return written.size() >= count; });
  }
};

class Store final : public MailboxStore {
 public:
  explicit Store(Shared& shared) : shared_(shared) {}
  bool open(std::string&) override { return true; }
  bool load(std::vector<StoredMailbox>&, std::string&) override { return true; }
  bool commit(const std::vector<MailboxChange>& changes, std::string& problem) override {
    const std::lock_guard lock(shared_.mutex);
    if (shared_.failures > 0) {
      --shared_.failures;
      problem = "away";
      return false;
    }
    shared_.written.insert(shared_.written.end(), changes.begin(), changes.end());
    shared_.changed.notify_all();
    return true;
  }

 private:
  Shared& shared_;
};

std::string ask(MailboxWriter& writer, std::vector<MailboxChange> changes) {
  std::promise<std::string> answer;
  writer.write(std::move(changes), [&](const std::string& problem) { answer.set_value(problem); });
  return answer.get_future().get();
}

MailboxChange removal(std::uint64_t id) { return {.kind = Kind::remove, .identity = "ann", .id = id}; }

MailboxChange addition(std::uint64_t id) {
  return {.kind = Kind::add, .identity = "ann", .id = id, .message = std::make_shared<MailMessage>()};
}

}  // namespace

TEST_CASE("what nobody waits for is written when the store is there again, by itself") {
  Shared shared;
  shared.failures = 3;
  MailboxWriter writer(std::make_unique<Store>(shared), std::chrono::milliseconds(1));
  writer.start();
  writer.write({removal(1)}, nullptr);
  shared.wait_for(1);
  REQUIRE(shared.written.size() == 1);
  REQUIRE(shared.written[0].id == 1);
}

TEST_CASE("what somebody waits for is refused, but for its removals, which are written before all that follows") {
  Shared shared;
  shared.failures = 2;
  MailboxWriter writer(std::make_unique<Store>(shared), std::chrono::hours(1));
  writer.start();
  REQUIRE(ask(writer, {removal(1), addition(2), {.kind = Kind::put, .identity = "ann"}}) == "away");
  REQUIRE(ask(writer, {addition(3), removal(2), {.kind = Kind::drop, .identity = "bob"}}) == "away");
  REQUIRE(ask(writer, {addition(4)}).empty());
  REQUIRE(ask(writer, {addition(5)}).empty());
  std::vector<std::pair<Kind, std::uint64_t>> written;
  for (const auto& change : shared.written) written.emplace_back(change.kind, change.id);
  REQUIRE(written == std::vector<std::pair<Kind, std::uint64_t>>{
                         {Kind::remove, 2}, {Kind::drop, 0}, {Kind::add, 4}, {Kind::add, 5}});
}

TEST_CASE("a writer that ends tries once more") {
  Shared shared;
  shared.failures = 1;
  {
    MailboxWriter writer(std::make_unique<Store>(shared), std::chrono::hours(1));
    writer.start();
    REQUIRE(ask(writer, {removal(1)}) == "away");
  }
  REQUIRE(shared.written.size() == 1);
}

namespace {

/// A store that two writers share; whoever holds it first keeps it until told otherwise.
struct SharedStore {
  std::mutex mutex;
  std::string keeper;
  std::string last;
  std::vector<MailboxChange> written;
};

class Half final : public MailboxStore {
 public:
  Half(SharedStore& shared, std::string name) : shared_(shared), name_(std::move(name)) {}
  bool open(std::string&) override { return true; }
  bool load(std::vector<StoredMailbox>& out, std::string&) override {
    out.push_back({"ann", {}, {}});
    return true;
  }
  bool commit(const std::vector<MailboxChange>& changes, std::string& problem) override {
    const std::lock_guard lock(shared_.mutex);
    if (shared_.keeper != name_) {
      problem = "not the keeper";
      return false;
    }
    shared_.written.insert(shared_.written.end(), changes.begin(), changes.end());
    return true;
  }
  bool is_shared() const override { return true; }
  bool hold(MailboxHold& out, std::string&) override {
    const std::lock_guard lock(shared_.mutex);
    if (shared_.keeper.empty()) shared_.keeper = name_;
    out.keeper = shared_.keeper;
    out.ours = out.keeper == name_;
    out.anew = out.ours && shared_.last != name_;
    if (out.ours) shared_.last = name_;
    return true;
  }
  void let_go() override {
    const std::lock_guard lock(shared_.mutex);
    if (shared_.keeper == name_) shared_.keeper.clear();
  }

 private:
  SharedStore& shared_;
  const std::string name_;
};

/// A writer, and the news that it has told.
struct Node {
  Node(SharedStore& shared, const std::string& name)
      : writer(std::make_unique<MailboxWriter>(std::make_unique<Half>(shared, name), std::chrono::hours(1),
                                               std::chrono::milliseconds(1))) {
    writer->start([this](MailboxWriter::News news) {
      const std::lock_guard lock(mutex);
      all.push_back(std::move(news));
      changed.notify_all();
    });
  }
  /// The first news from now on that is so.
  template <class Condition>
  MailboxWriter::News next(Condition condition) {
    std::unique_lock lock(mutex);
    for (;; ++seen) {
      changed.wait(lock, [&] { return seen < all.size(); });
      if (condition(all[seen])) return all[seen++];
    }
  }

  std::mutex mutex;
  std::condition_variable changed;
  std::vector<MailboxWriter::News> all;
  std::size_t seen = 0;
  std::unique_ptr<MailboxWriter> writer;
};

}  // namespace

TEST_CASE("one writer of a shared store keeps it, and the next one takes over with what is there") {
  SharedStore shared;
  Node a(shared, "a");
  const auto first = a.next([](const auto& news) { return news.hold.ours; });
  REQUIRE(first.hold.anew);
  REQUIRE(first.stored.size() == 1);
  a.writer->begin_term(first.term);
  REQUIRE(ask(*a.writer, {addition(1)}).empty());
  const auto again = a.next([](const auto& news) { return news.hold.ours; });
  REQUIRE_FALSE(again.hold.anew);  // nobody else had it: it is not loaded again
  REQUIRE(again.stored.empty());
  REQUIRE(again.term == first.term);

  Node b(shared, "b");
  const auto other = b.next([](const auto&) { return true; });
  REQUIRE_FALSE(other.hold.ours);
  REQUIRE(other.hold.keeper == "a");
  REQUIRE(other.stored.empty());
  a.writer.reset();  // lets go
  const auto taken = b.next([](const auto& news) { return news.hold.ours; });
  REQUIRE(taken.hold.anew);
  REQUIRE(taken.stored.size() == 1);
}

TEST_CASE("what was decided before another one kept the mailboxes is not written, even by whoever keeps them again") {
  SharedStore shared;
  Node a(shared, "a");
  const auto first = a.next([](const auto& news) { return news.hold.ours; });
  a.writer->begin_term(first.term);
  REQUIRE(ask(*a.writer, {addition(1)}).empty());
  {
    const std::lock_guard lock(shared.mutex);
    shared.keeper = shared.last = "b";
  }
  a.next([](const auto& news) { return !news.hold.ours; });
  a.writer->write({removal(1)}, nullptr);
  REQUIRE_FALSE(ask(*a.writer, {addition(2)}).empty());
  {
    const std::lock_guard lock(shared.mutex);
    shared.keeper.clear();
  }
  const auto back = a.next([](const auto& news) { return news.hold.ours; });
  REQUIRE(back.hold.anew);
  REQUIRE(back.term != first.term);
  a.writer->write({removal(1)}, nullptr);
  REQUIRE_FALSE(ask(*a.writer, {addition(2)}).empty());  // decided when that was not known yet
  a.writer->begin_term(back.term);
  REQUIRE(ask(*a.writer, {addition(3)}).empty());
  const std::lock_guard lock(shared.mutex);
  std::vector<std::pair<Kind, std::uint64_t>> written;
  for (const auto& change : shared.written) written.emplace_back(change.kind, change.id);
  REQUIRE(written == std::vector<std::pair<Kind, std::uint64_t>>{{Kind::add, 1}, {Kind::add, 3}});
}
