#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "realm/realm.hpp"
#include "wamp/errors.hpp"

// The shards of one realm on real threads, for ThreadSanitizer: each shard is used by its own thread only, and all that
// goes between them are mailboxes and the directory. The promises checked are those of the simulation.

namespace {

using namespace crosspoint;

constexpr unsigned kShards = 4;
constexpr int kPublications = 2000;
constexpr int kRounds = 300;

class Worker;

/// A client on a worker's shard: its receiving side counts and checks.
struct Client final : realm::Peer {
  std::string describe(const realm::Identity&) const override { return "{}"; }

  realm::Session* session = nullptr;
  bool subscribed = false;
  wamp::SubscriptionId subscription = 0;
  std::map<std::string, int> last_number;  ///< of each publisher's events
  int events = 0;
  int results = 0;
  int errors = 0;
  std::vector<std::string> problems;
};

class Threads {
 public:
  Threads();
  void run();

  realm::Realm realm{"realm1", {}, kShards, 1};
  std::vector<std::unique_ptr<Worker>> workers;
  std::atomic<unsigned> working{kShards};
  std::atomic<int> under_way{0};  ///< messages in mailboxes
};

class Worker {
 public:
  Worker(Threads& threads, unsigned index) : threads_(threads), shard_(threads.realm.shard(index)) {}

  void post(realm::ShardMessage message) {
    const std::lock_guard lock(mutex_);
    mailbox_.push_back(std::move(message));
    ready_.notify_one();
  }
  void wake() {
    const std::lock_guard lock(mutex_);
    ready_.notify_one();
  }

  void run() {
    Client& still = join("still");
    Client& changing = join("changing");
    Client& caller = join("caller");
    receive(still, wamp::Subscribe{1, {}, "com.topic"});
    const std::string name = "com.procedure" + std::to_string(shard_.index());
    receive(still, wamp::Register{2, {}, name});
    wamp::RegisterOptions shared;
    shared.invoke = wamp::InvocationPolicy::roundrobin;
    for (int i = 0; i < kPublications; ++i) {
      publish(caller, i);
      if (i % 4 == 0) {
        const std::string other = "com.procedure" + std::to_string((shard_.index() + 1) % kShards);
        receive(caller, wamp::Call{static_cast<wamp::RequestId>(i + 1), {}, i % 8 == 0 ? other : "com.shared", {}});
        ++calls_;
      }
      if (i % (kPublications / kRounds) == 0) change(changing, shared, i);
      take_mail(false);
    }
    threads_.working.fetch_sub(1);
    for (auto& worker : threads_.workers) worker->wake();
    while (threads_.working.load() > 0 || threads_.under_way.load() > 0) take_mail(true);
    for (auto& worker : threads_.workers) worker->wake();
  }

  const std::vector<std::unique_ptr<Client>>& clients() const { return clients_; }
  int calls() const { return calls_; }

 private:
  Client& join(const std::string& authid) {
    auto client = std::make_unique<Client>();
    auto identity = std::make_shared<realm::Identity>();
    identity->session = shard_.index() * 100 + clients_.size() + 1;
    identity->authid = authid;
    client->session = shard_.join(*client, identity, *threads_.realm.find_role("trusted"));
    clients_.push_back(std::move(client));
    return *clients_.back();
  }

  void publish(Client& client, int number) {
    wamp::Publish message;
    message.request = static_cast<wamp::RequestId>(number + 1);
    message.topic = "com.topic";
    const std::string text = "[\"" + std::to_string(shard_.index()) + "\"," + std::to_string(number) + "]";
    message.payload.elements = 1;
    message.payload.bytes = base::as_bytes(text);
    receive(client, std::move(message));
  }

  /// One that subscribes and unsubscribes, registers and unregisters all the time.
  void change(Client& client, const wamp::RegisterOptions& shared, int round) {
    if (client.subscribed) {
      receive(client, wamp::Unsubscribe{1, client.subscription});
      const auto registrations = client.session->registrations;
      for (const auto& [id, registration] : registrations) receive(client, wamp::Unregister{2, id});
    } else {
      receive(client, wamp::Subscribe{1, {}, "com.topic"});
      wamp::RegisterOptions options;
      options.invoke = shared.invoke;
      receive(client, wamp::Register{2, std::move(options), "com.shared"});
    }
    static_cast<void>(round);
  }

  void receive(Client& client, wamp::Message message) {
    if (!shard_.receive(*client.session, message, out_).empty()) client.problems.emplace_back("violation");
    deliver();
  }

  void take_mail(bool wait) {
    std::deque<realm::ShardMessage> mail;
    {
      std::unique_lock lock(mutex_);
      if (wait) {
        ready_.wait(lock, [&] {
          return !mailbox_.empty() || (threads_.working.load() == 0 && threads_.under_way.load() == 0);
        });
      }
      mail.swap(mailbox_);
    }
    for (const auto& message : mail) {
      shard_.deliver(message, out_);
      deliver();
    }
    if (mail.empty()) return;
    if (threads_.under_way.fetch_sub(static_cast<int>(mail.size())) == static_cast<int>(mail.size())) {
      for (auto& worker : threads_.workers) worker->wake();
    }
  }

  void deliver() {
    std::vector<std::pair<Client*, wamp::RequestId>> invocations;
    for (const auto& item : out_.items()) {
      if (item.to != nullptr) {
        auto& client = static_cast<Client&>(*item.to->peer);
        read(client, item.message);
        if (const auto* invocation = std::get_if<wamp::Invocation>(&item.message)) {
          invocations.emplace_back(&client, invocation->request);
        }
      }
      for (std::uint32_t i = 0; i < item.receiver_count; ++i) {
        read(static_cast<Client&>(*out_.receivers()[item.first_receiver + i]->peer), item.message);
      }
    }
    for (auto& post : out_.posts()) {
      threads_.under_way.fetch_add(1);
      threads_.workers[post.shard]->post(std::move(post.message));
    }
    out_.clear();
    for (const auto& [client, request] : invocations) receive(*client, wamp::Yield{request, {}, {}});
  }

  static void read(Client& client, const wamp::Message& message) {
    if (const auto* subscribed = std::get_if<wamp::Subscribed>(&message)) {
      client.subscribed = true;
      client.subscription = subscribed->subscription;
    } else if (std::holds_alternative<wamp::Unsubscribed>(message)) {
      client.subscribed = false;
    } else if (const auto* event = std::get_if<wamp::Event>(&message)) {
      if (!client.subscribed) client.problems.emplace_back("EVENT without a subscription");
      const std::string text(base::as_text(event->payload.bytes));
      const std::string publisher = text.substr(0, text.find(','));
      const int number = std::stoi(text.substr(text.find(',') + 1));
      const auto last = client.last_number.find(publisher);
      if (last != client.last_number.end() && number <= last->second) client.problems.emplace_back("out of order");
      client.last_number[publisher] = number;
      ++client.events;
    } else if (std::holds_alternative<wamp::Result>(message)) {
      ++client.results;
    } else if (std::holds_alternative<wamp::Error>(message)) {
      ++client.errors;
    }
  }

  Threads& threads_;
  realm::Shard& shard_;
  realm::Outbox out_;
  std::vector<std::unique_ptr<Client>> clients_;
  int calls_ = 0;
  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<realm::ShardMessage> mailbox_;  // guarded by mutex_
};

Threads::Threads() {
  for (unsigned index = 0; index < kShards; ++index) workers.push_back(std::make_unique<Worker>(*this, index));
}

void Threads::run() {
  std::vector<std::thread> threads;
  for (auto& worker : workers) threads.emplace_back([&worker] { worker->run(); });
  for (auto& thread : threads) thread.join();
}

}  // namespace

TEST_CASE("shards on real threads keep the promises too") {
  Threads threads;
  threads.run();
  for (const auto& worker : threads.workers) {
    int answers = 0;
    for (const auto& client : worker->clients()) {
      REQUIRE(client->problems.empty());
      answers += client->results + client->errors;
    }
    REQUIRE(answers == worker->calls());
    // The member that stayed got every event published after it had subscribed; its own thread's all.
    const Client& still = *worker->clients()[0];
    REQUIRE(still.events >= kPublications);
    REQUIRE(still.events <= static_cast<int>(kShards) * kPublications);
  }
}
