#pragma once

#include <deque>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "realm/realm.hpp"
#include "serializers/serializers.hpp"

/// A realm with clients that speak JSON to it: messages are given as their wire text, and what a client receives is
/// read the same way. Nothing happens by itself: messages between shards wait until they are carried.
namespace crosspoint::test {

class TestRealm;

/// Options of a realm that says nothing of its own accord.
inline realm::RealmOptions quiet() {
  realm::RealmOptions options;
  options.meta_api = false;
  return options;
}

/// A session, seen from its client.
class TestClient final : public realm::Peer {
 public:
  TestClient(TestRealm& owner, unsigned shard) : owner_(owner), shard_(shard) {}

  /// Has its shard handle a message; returns the protocol violation it is, or nothing.
  std::string send(std::string_view json);
  /// CALL without arguments, under a request id of its own.
  void call(const std::string& procedure) { send("[48," + std::to_string(++calls_) + ",{},\"" + procedure + "\"]"); }
  /// What the dynamic authorizer is to be asked about the message sent last, as "<action> <uri> <options>"; empty if
  /// nothing.
  const std::string& question() const { return question_; }
  /// The authorizer's answer: the message is handled again.
  std::string answer(const nlohmann::json& value, std::string problem = {});
  /// The next message received, or null.
  nlohmann::json take();
  /// Takes all; the last of them.
  nlohmann::json last();
  std::string describe(const realm::Identity& identity) const override {
    return "{\"session\":" + std::to_string(identity.session) + ",\"authid\":\"" + identity.authid + "\"}";
  }
  /// Reasons for which the router wanted to end the session.
  std::vector<std::string> farewells;
  std::size_t waiting() const { return inbox_.size(); }
  /// True while those that it streams to cannot take in more: its messages would not be read now.
  bool held_back();
  void leave();
  bool joined() const { return session_ != nullptr; }
  realm::Session& session() { return *session_; }
  wamp::SessionId id() const { return session_->id; }
  unsigned shard() const { return shard_; }

 private:
  friend class TestRealm;
  std::string handle(std::string_view json);
  void resume();

  TestRealm& owner_;
  unsigned shard_;
  realm::Session* session_ = nullptr;
  std::deque<nlohmann::json> inbox_;
  std::set<std::shared_ptr<realm::Intake>> streams_to_;
  int calls_ = 1000;
  std::string asked_;  // the message that waits
  std::string question_;
  realm::Question asked_question_;
  std::deque<std::string> behind_;  // what waits for other nodes, and what came after it
};

class TestRealm {
 public:
  /// A realm with `shards` shards; the role "user" may do everything and discloses nothing.
  explicit TestRealm(unsigned shards = 1, realm::RealmOptions options = quiet(), std::uint64_t seed = 1);

  TestClient& join(unsigned shard = 0, std::string authid = "joe", std::string role = "user",
                   const realm::Announced& announced = {});
  realm::Realm& realm() { return realm_; }

  /// Carries the oldest message from one shard to another. False if there is none.
  bool carry(unsigned from, unsigned to);
  /// Carries messages between shards until none is left.
  void settle();
  std::size_t under_way(unsigned from, unsigned to) const { return mail_[from][to].size(); }

  /// Something from outside of the realm's threads.
  void deliver_to(unsigned shard, const realm::ShardMessage& message) {
    realm_.shard(shard).deliver(message, outboxes_[shard]);
    deliver(shard);
  }

  /// Requests that were refused, as "<action> <uri> <reason>".
  std::vector<std::string> denials;
  /// Time limits of calls that count, by a number of all shards.
  std::map<std::uint64_t, realm::Outbox::Timer> timers;
  /// One of them is over, on the shard given.
  void time_out(unsigned shard, std::uint64_t number);
  /// The same without carrying anything.
  void fire(unsigned shard, std::uint64_t number);
  /// The RESULT of a call could not be sent to the caller: it is too long.
  void undelivered_result(TestClient& caller, wamp::RequestId request);

 private:
  friend class TestClient;
  void deliver(unsigned shard);

  realm::Realm realm_;
  std::vector<std::unique_ptr<TestClient>> clients_;
  std::vector<realm::Outbox> outboxes_;
  std::vector<std::vector<std::deque<realm::ShardMessage>>> mail_;  // [from][to]
  serializers::Encoder encoder_;
};

/// An authorizer from a list of rules "<action> <uri> [disclose]"; everything else is denied.
std::unique_ptr<const realm::Authorizer> rules(std::vector<std::string> allowed);

}  // namespace crosspoint::test
