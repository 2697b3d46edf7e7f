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
