#pragma once

#include <catch2/catch.hpp>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cluster/rpc.hpp"
#include "support/test_realm.hpp"

/// Whole clusters without sockets and clocks: nodes with their realms, and a bus in the place of Redis.
namespace crosspoint::test {

class Node;

/// What Redis does: one order for all, and messages for one node.
struct Bus {
  std::vector<std::unique_ptr<Node>> nodes;
  std::uint64_t clock = 1000;
};

class Node final : public cluster::Rpc::Wire, public realm::ClusterPort {
 public:
  struct Mail {
    std::string from, kind, text;
    std::uint64_t order = 0;
  };

  Node(Bus& bus, const std::string& name, std::uint64_t seed)
      : address(name + "/1"), bus_(bus), realm(2, options(), seed), rpc(address, *this) {
    realm.realm().set_cluster(*this);
    rpc.add_realm(realm.realm());
    rpc.registrations().disconnected(bus_.clock);
  }

  void connect() {
    connected = true;
    rpc.registrations().connecting();
    std::size_t others = 0;
    for (const auto& other : bus_.nodes) {
      if (other.get() == this || !other->connected) continue;
      ++others;
      other->inbox.push_back({address, "hello", {}, 0});
    }
    rpc.registrations().expect(others, {});
  }
  void disconnect() {
    connected = false;
    inbox.clear();
    rpc.lost("cut off", ++bus_.clock);
    for (const auto& other : bus_.nodes) {
      if (other->connected) other->inbox.push_back({address, "gone", {}, 0});
    }
  }

  /// Does one of the things that are to be done. False if there is none.
  bool step() {
    if (!to_shards.empty()) {
      const auto [shard, message] = std::move(to_shards.front());
      to_shards.pop_front();
      realm.deliver_to(shard, message);
      return true;
    }
    if (realm.carry(0, 1) || realm.carry(1, 0)) return true;
    if (inbox.empty()) return false;
    const Mail mail = std::move(inbox.front());
    inbox.pop_front();
    if (mail.kind == "hello") {
      rpc.registrations().say_all();
    } else if (mail.kind == "gone") {
      rpc.gone(mail.from, "the node is gone");
    } else if (mail.from == address && rpc.heard_own(mail.kind, mail.text)) {
    } else if (mail.kind == cluster::Calls::kRpc || mail.kind == cluster::Calls::kTaken) {
      REQUIRE(rpc.calls().heard(mail.from, mail.kind, mail.text).empty());
    } else {
      REQUIRE(rpc.registrations().heard(mail.from, mail.kind, mail.text, mail.order));
    }
    return true;
  }

  // Rpc::Wire
  void announce(std::string_view kind, std::string_view text, std::uint64_t claim) override {
    if (!connected) return;
    ++bus_.clock;
    for (const auto& other : bus_.nodes) {
      if (!other->connected) continue;
      other->inbox.push_back({address, std::string(kind), std::string(text), claim != 0 ? bus_.clock : 0});
    }
  }
  void send_to(const std::string& to, std::string_view kind, std::string_view text) override {
    for (const auto& other : bus_.nodes) {
      if (!connected || !other->connected || other->address != to) continue;
      return other->inbox.push_back({address, std::string(kind), std::string(text), 0});
    }
    if (connected) inbox.push_back({to, "gone", {}, 0});
  }
  void deliver(std::size_t, unsigned shard, realm::ShardMessage message) override {
    to_shards.emplace_back(shard, std::move(message));
  }
  // ClusterPort
  void subscription_made(const realm::SubscriptionRef&) override {}
  void subscription_gone(const realm::SubscriptionRef&) override {}
  void publish(const wamp::Publish&, wamp::PublicationId, const realm::Identity*, wamp::TrustLevel) override {}
  void retain(const realm::PublicationRef&, unsigned) override {}
  void claim(realm::Claim claim) override {
    rpc.registrations().claim(realm.realm().name(), std::move(claim), ++bus_.clock);
  }
  void release(std::uint64_t number) override { rpc.registrations().release(number); }
  void catch_up(unsigned shard, std::uint64_t number) override { rpc.catch_up(0, shard, number); }
  void send(realm::ShardMessage message) override { rpc.calls().take(0, std::move(message)); }
  bool is_complete() const override { return rpc_complete(); }
  std::size_t backlog() const override { return 0; }
  void publish(const realm::MetaEvent&) override {}
  const std::string& node() const override { return address; }
  bool has_others() const override { return false; }
  void ask(unsigned, realm::NodeQuestion) override {}
  void answer(const realm::NodeQuestion&, const realm::NodeAnswer&) override {}

  /// At a procedure that begins with "com.wait" so many calls may wait.
  static constexpr std::size_t kQueue = 3;
  static realm::RealmOptions options() {
    realm::RealmOptions options = quiet();
    options.call_queues.push_back({"com.wait", wamp::Match::prefix, kQueue});
    return options;
  }

  /// The registration of a procedure, as this node knows it; 0 if there is none.
  wamp::RegistrationId registration(const std::string& uri) {
    const auto view = realm.realm().directory().registrations.find(uri, wamp::Match::exact);
    return view.registration ? view.registration->id : 0;
  }
  /// The sessions that serve a procedure, as this node knows it.
  std::vector<wamp::SessionId> callees(const std::string& uri) {
    std::vector<wamp::SessionId> sessions;
    const auto view = realm.realm().directory().registrations.find(uri, wamp::Match::exact);
    if (!view.registration) return sessions;
    for (const realm::Callee& callee : *view.callees) sessions.push_back(callee.session);
    return sessions;
  }

  const std::string address;

 private:
  bool rpc_complete() const { return const_cast<cluster::Rpc&>(rpc).registrations().is_complete(); }
  Bus& bus_;

 public:
  TestRealm realm;
  cluster::Rpc rpc;
  bool connected = false;
  std::deque<Mail> inbox;
  std::deque<std::pair<unsigned, realm::ShardMessage>> to_shards;
};

struct TestCluster {
  explicit TestCluster(std::size_t count = 3, bool connected = true, std::uint64_t seed = 1) {
    for (std::size_t i = 0; i < count; ++i) {
      bus.nodes.push_back(std::make_unique<Node>(bus, std::string(1, static_cast<char>('a' + i)), seed * 100 + i));
      if (!connected) continue;
      bus.nodes.back()->connect();
      settle();
    }
  }
  Node& operator[](std::size_t i) { return *bus.nodes[i]; }
  void settle() {
    for (bool more = true; more;) {
      more = false;
      for (const auto& node : bus.nodes) more = node->step() || more;
    }
  }
  Bus bus;
};

/// "ok", or the URI of an ERROR.
inline std::string outcome(const nlohmann::json& message) {
  return message[0] == 8 ? message[4].get<std::string>() : "ok";
}

}  // namespace crosspoint::test
