#include "gateway/mailboxes.hpp"

#include <catch2/catch.hpp>

#include "base/random.hpp"

using namespace crosspoint;
using gateway::Mailboxes;
using gateway::Receiver;
using storage::MailboxChange;
using Refusal = Mailboxes::Refusal;

namespace {

/// Mailboxes, and a store that has what is committed and nothing else.
struct Post {
  explicit Post(gateway::MailboxLimits limits = {}) : boxes(limits) {}

  Mailboxes boxes;
  std::int64_t now = 1'000'000;
  std::map<std::string, storage::StoredMailbox> store;
  std::vector<MailboxChange> changes;  // made, and not committed

  void gather() {
    for (auto& change : boxes.take_changes()) changes.push_back(std::move(change));
  }
  void commit() {
    gather();
    for (const auto& change : changes) {
      auto& box = store[change.identity];
      box.identity = change.identity;
      if (change.kind == MailboxChange::Kind::put) box.record = change.record;
      if (change.kind == MailboxChange::Kind::add) box.messages.emplace_back(change.id, change.message);
      if (change.kind == MailboxChange::Kind::remove)
        std::erase_if(box.messages, [&](const auto& message) { return message.first <= change.id; });
      if (change.kind == MailboxChange::Kind::drop) store.erase(change.identity);
    }
    changes.clear();
  }
  /// The router ends at once and starts again.
  void crash(gateway::MailboxLimits limits = {}) {
    boxes.~Mailboxes();
    new (&boxes) Mailboxes(limits);
    changes.clear();
    std::vector<storage::StoredMailbox> stored;
    for (const auto& [identity, box] : store) stored.push_back(box);
    boxes.restore(std::move(stored), now);
  }

  Refusal enter(const std::string& identity, const std::string& connection, storage::MailboxRecord record = {60, 1}) {
    std::uint64_t member = 0;
    const auto refusal = boxes.register_as(identity, {Receiver::Kind::connection, connection, {}}, record, now, member);
    commit();
    if (refusal == Refusal::none) boxes.registered(identity, member, true, now);
    return refusal;
  }
  std::uint64_t notify(const std::string& identity, const std::string& text) {
    std::uint64_t id = 0;
    const auto message =
        std::make_shared<const storage::MailMessage>(storage::MailMessage{storage::MailMessage::Kind::text, text});
    last = boxes.notify(identity, message, now, id);
    if (last != Refusal::none) return 0;
    commit();
    boxes.stored(identity, id, true);
    return id;
  }
  /// Delivers until nothing is left; who got what.
  std::vector<std::string> deliver(bool taken = true) {
    std::vector<std::string> got;
    for (auto list = boxes.take_deliveries(); !list.empty(); list = boxes.take_deliveries()) {
      for (const auto& delivery : list) {
        got.push_back(delivery.to.name + ":" + delivery.message->bytes);
        boxes.delivered(delivery.identity, delivery.member, delivery.id, taken, now);
      }
    }
    commit();
    return got;
  }
  std::size_t messages(const std::string& identity) {
    Mailboxes::Description known;
    return boxes.describe(identity, now, known) ? known.messages : 999;
  }

  Refusal last{};
};

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("a message for an identity that is there is delivered and gone") {
  Post post;
  REQUIRE(post.enter("ann", "c1") == Refusal::none);
  const auto first = post.notify("ann", "1");
  REQUIRE(post.notify("ann", "2") > first);
  REQUIRE(post.deliver() == Texts{"c1:1", "c1:2"});
  REQUIRE(post.messages("ann") == 0);
  REQUIRE(post.store.at("ann").messages.empty());
}

TEST_CASE("nobody is notified who has not registered, or whose registration could not be stored") {
  Post post;
  post.notify("ann", "1");
  REQUIRE(post.last == Refusal::no_such_identity);
  std::uint64_t member = 0;
  REQUIRE(post.boxes.register_as("ann", {Receiver::Kind::connection, "c1", {}}, {60, 1}, post.now, member) ==
          Refusal::none);
  post.notify("ann", "1");
  REQUIRE(post.last == Refusal::no_such_identity);
  post.boxes.registered("ann", member, false, post.now);
  REQUIRE(post.boxes.count() == 0);
  REQUIRE(post.deliver().empty());
}

TEST_CASE("messages wait for an identity that is away, in order, and go out when it comes") {
  Post post;
  post.enter("ann", "c1");
  post.boxes.gone({Receiver::Kind::connection, "c1", {}}, post.now);
  for (const char* text : {"1", "2", "3"}) post.notify("ann", text);
  REQUIRE(post.deliver().empty());
  REQUIRE(post.messages("ann") == 3);
  post.enter("ann", "c2");
  REQUIRE(post.deliver() == Texts{"c2:1", "c2:2", "c2:3"});
  REQUIRE(post.messages("ann") == 0);
}

TEST_CASE("a message goes out only when it is stored, and none overtakes another") {
  Post post;
  post.enter("ann", "c1");
  const auto text = [](const char* bytes) {
    return std::make_shared<const storage::MailMessage>(storage::MailMessage{storage::MailMessage::Kind::text, bytes});
  };
  std::uint64_t ids[3];
  for (int i = 0; i < 3; ++i) REQUIRE(post.boxes.notify("ann", text("x"), post.now, ids[i]) == Refusal::none);
  post.boxes.stored("ann", ids[1], true);
  REQUIRE(post.boxes.take_deliveries().empty());
  post.boxes.stored("ann", ids[0], false);  // could not be stored: it was refused
  auto deliveries = post.boxes.take_deliveries();
  REQUIRE(deliveries.size() == 1);
  REQUIRE(deliveries[0].id == ids[1]);
  post.boxes.delivered("ann", deliveries[0].member, ids[1], true, post.now);
  REQUIRE(post.boxes.take_deliveries().empty());
  post.boxes.stored("ann", ids[2], true);
  REQUIRE(post.boxes.take_deliveries().at(0).id == ids[2]);
}

TEST_CASE("what a receiver does not take waits for the next one") {
  Post post;
  post.enter("ann", "c1");
  post.notify("ann", "1");
  post.notify("ann", "2");
  REQUIRE(post.deliver(false) == Texts{"c1:1"});
  REQUIRE(post.messages("ann") == 2);
  post.enter("ann", "c2");
  REQUIRE(post.deliver() == Texts{"c2:1", "c2:2"});
}

TEST_CASE("several receivers get each message; beyond max_connections the first one goes") {
  Post post;
  const storage::MailboxRecord two{60, 2};
  post.enter("ann", "c1", two);
  post.enter("ann", "c2", two);
  post.notify("ann", "1");
  REQUIRE(post.deliver() == Texts{"c1:1", "c2:1"});
  REQUIRE(post.messages("ann") == 0);
  post.enter("ann", "c3", two);
  post.notify("ann", "2");
  REQUIRE(post.deliver() == Texts{"c2:2", "c3:2"});
  post.enter("ann", "c3", {60, 1});  // again, and alone from now on
  post.notify("ann", "3");
  REQUIRE(post.deliver() == Texts{"c3:3"});
}

TEST_CASE("with confirm, messages stay until they are confirmed, whoever has got them") {
  Post post;
  const storage::MailboxRecord confirm{60, 1, true};
  post.enter("ann", "c1", confirm);
  const auto first = post.notify("ann", "1");
  post.notify("ann", "2");
  REQUIRE(post.deliver().size() == 2);
  REQUIRE(post.messages("ann") == 2);
  REQUIRE(post.boxes.confirm("ann", first, post.now));
  post.commit();
  REQUIRE(post.store.at("ann").messages.size() == 1);
  post.boxes.gone({Receiver::Kind::connection, "c1", {}}, post.now);
  post.enter("ann", "c2", confirm);
  REQUIRE(post.deliver() == Texts{"c2:2"});
  REQUIRE_FALSE(post.boxes.confirm("bob", first, post.now));
}

TEST_CASE("a mailbox ends when nobody has come for its lifetime, and not while somebody is there") {
  Post post;
  post.enter("ann", "c1", {10, 1});
  post.now += 1'000'000;
  post.boxes.expire(post.now);
  REQUIRE(post.messages("ann") == 0);
  REQUIRE(post.boxes.unregister("ann", {Receiver::Kind::connection, "c1", {}}, post.now));
  post.now += 9'999;
  post.notify("ann", "1");
  REQUIRE(post.messages("ann") == 1);
  post.now += 1;  // the identity's lifetime, not the message's
  post.notify("ann", "2");
  REQUIRE(post.last == Refusal::no_such_identity);
  post.commit();
  REQUIRE(post.store.empty());
}

TEST_CASE("mailboxes have limits: identities, messages and bytes of each, bytes of all") {
  Post post({.identities = 2, .messages = 3, .mailbox_bytes = 1000, .bytes = 1500});
  REQUIRE(post.enter("ann", "c1") == Refusal::none);
  REQUIRE(post.enter("bob", "c2") == Refusal::none);
  REQUIRE(post.enter("cid", "c3") == Refusal::too_many_identities);
  for (const char* name : {"c1", "c2"}) post.boxes.gone({Receiver::Kind::connection, name, {}}, post.now);
  for (int i = 0; i < 3; ++i) REQUIRE(post.notify("ann", "x") != 0);
  post.notify("ann", "x");
  REQUIRE(post.last == Refusal::mailbox_full);
  post.notify("bob", std::string(1000, 'x'));
  REQUIRE(post.last == Refusal::mailbox_full);
  REQUIRE(post.notify("bob", std::string(800, 'x')) != 0);
  post.notify("bob", std::string(200, 'x'));
  REQUIRE(post.last == Refusal::mailbox_full);
  post.enter("ann", "c1");
  post.deliver();
  REQUIRE(post.notify("ann", std::string(400, 'x')) != 0);
  post.now += 60'000;  // bob's mailbox ends
  REQUIRE(post.enter("cid", "c3") == Refusal::none);
  REQUIRE(post.notify("cid", std::string(600, 'x')) != 0);
  post.notify("cid", std::string(100, 'x'));
  REQUIRE(post.last == Refusal::none);
  post.notify("ann", std::string(300, 'x'));
  REQUIRE(post.last == Refusal::no_room);
}

TEST_CASE("whatever the order of events, each acknowledged message arrives, in order, also across crashes") {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    base::Random random(seed);
    INFO("seed " << seed);
    Post post;
    const storage::MailboxRecord record{1000, 1 + static_cast<std::uint32_t>(random.below(2)), random.below(2) == 0};
    int connections = 0;
    int sent = 0;
    std::vector<std::uint64_t> acknowledged;
    std::map<std::uint64_t, int> arrived;
    std::vector<std::pair<std::uint64_t, bool>> unstored;  // ids of messages under way to the store
    std::vector<Mailboxes::Delivery> under_way;
    std::map<std::string, std::uint64_t> latest;  // by connection
    post.enter("ann", "c0", record);
    post.commit();
    const auto take = [&](const Mailboxes::Delivery& delivery) {
      const bool taken = random.below(8) != 0;
      if (taken) {
        REQUIRE(delivery.id > latest[delivery.to.name]);
        latest[delivery.to.name] = delivery.id;
        ++arrived[delivery.id];
      }
      post.boxes.delivered("ann", delivery.member, delivery.id, taken, post.now);
    };
    for (int step = 0; step < 200; ++step) {
      ++post.now;
      for (auto& delivery : post.boxes.take_deliveries()) under_way.push_back(std::move(delivery));
      switch (random.below(7)) {
        case 0: {
          std::uint64_t id = 0;
          const auto message = std::make_shared<const storage::MailMessage>(
              storage::MailMessage{storage::MailMessage::Kind::text, std::to_string(++sent)});
          if (post.boxes.notify("ann", message, post.now, id) == Refusal::none) unstored.emplace_back(id, false);
          break;
        }
        case 1:  // the store has got so far
          post.commit();
          for (const auto& [id, ignored] : unstored) {
            post.boxes.stored("ann", id, true);
            acknowledged.push_back(id);
          }
          unstored.clear();
          break;
        case 2:
        case 3:
          if (under_way.empty()) break;
          take(under_way.front());
          under_way.erase(under_way.begin());
          break;
        case 4:
          post.enter("ann", "c" + std::to_string(++connections), record);
          for (const auto& [id, ignored] : unstored) {  // enter() commits
            post.boxes.stored("ann", id, true);
            acknowledged.push_back(id);
          }
          unstored.clear();
          break;
        case 5:
          post.boxes.gone({Receiver::Kind::connection, "c" + std::to_string(connections), {}}, post.now);
          break;
        default:
          if (random.below(6) != 0) break;
          post.crash();
          unstored.clear();
          under_way.clear();
      }
    }
    post.enter("ann", "last", record);
    for (const auto& [id, ignored] : unstored) post.boxes.stored("ann", id, true);
    for (auto list = post.boxes.take_deliveries(); !list.empty(); list = post.boxes.take_deliveries()) {
      for (const auto& delivery : list) {
        ++arrived[delivery.id];
        post.boxes.delivered("ann", delivery.member, delivery.id, true, post.now);
      }
    }
    for (const std::uint64_t id : acknowledged) REQUIRE(arrived[id] > 0);
    REQUIRE(post.boxes.confirm("ann", UINT64_MAX, post.now));
    post.commit();
    REQUIRE(post.messages("ann") == 0);
    REQUIRE(post.store.at("ann").messages.empty());
  }
}

TEST_CASE("shared mailboxes come back with their receivers, and with ids behind all that there were") {
  const std::int64_t now = 1'000'000;
  Mailboxes first({}, true);
  const Receiver connection{Receiver::Kind::connection, "00000000000000ab-0-1", "app.note"};
  const Receiver procedure{Receiver::Kind::procedure, "app.note", {}};
  std::uint64_t member = 0;
  for (const Receiver& receiver : {connection, procedure}) {
    REQUIRE(first.register_as("ann", receiver, {.lifetime = 60, .max_connections = 2}, now, member) == Refusal::none);
    first.registered("ann", member, true, now);
  }
  auto changes = first.take_changes();
  REQUIRE(changes.size() == 2);
  const auto message = std::make_shared<const storage::MailMessage>();
  Mailboxes second({}, true);
  second.restore({{"ann", changes.back().record, {{7, message}}}}, now, 5'000'000'000);
  REQUIRE(second.receivers() == std::vector<Receiver>{connection, procedure});
  const auto deliveries = second.take_deliveries();
  REQUIRE(deliveries.size() == 2);
  REQUIRE(deliveries[0].to.via == "app.note");
  REQUIRE(second.take_changes().empty());  // it has receivers: its time does not run
  std::uint64_t id = 0;
  REQUIRE(second.notify("ann", message, now, id) == Refusal::none);
  REQUIRE(id == 5'000'000'001);

  // Whoever is a receiver no more is none for the next one either.
  second.take_changes();
  REQUIRE(second.unregister("ann", connection, now));
  changes = second.take_changes();
  REQUIRE(changes.size() == 1);
  Mailboxes third({}, true);
  third.restore({{"ann", changes[0].record, {}}}, now);
  REQUIRE(third.receivers() == std::vector<Receiver>{procedure});
  third.clear();
  REQUIRE(third.count() == 0);
  REQUIRE(third.receivers().empty());
}
