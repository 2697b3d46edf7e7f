#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include "connection/endpoint.hpp"
#include "connection/router.hpp"
#include "realm/cluster_port.hpp"
#include "realm/event_journal.hpp"
#include "transports/message_port.hpp"

using namespace crosspoint;

namespace {

/// The transport of a connection: has nothing below it, and notes whether it is read from.
class Port final : public transports::MessagePort {
 public:
  explicit Port(base::IoThread& io) : io_(io) {}

  bool send(const serializers::EncodedMessage& message) override {
    sent.emplace_back(base::as_text(message.head));
    return true;
  }
  bool send(const transports::SharedFrame&) override { return true; }
  bool takes_shared_frames() const override { return false; }
  transports::SharedFrame make_frame(const serializers::EncodedMessage&, base::ChunkWriter&) const override {
    return {};
  }
  unsigned kind() const override { return 0; }
  std::size_t queued() const override { return 0; }
  void pause() override { reading = false; }
  /// Whoever waits for it in IoThread::run() goes on.
  void resume() override {
    reading = true;
    io_.stop();
  }
  void close(std::string_view) override {}
  void fail(std::string_view) override {}
  void drop(std::string_view) override {}
  base::IoThread& io() override { return io_; }
  transports::TransportInfo info() const override {
    transports::TransportInfo info;
    info.serializer = &serializers::of(wamp::Encoding::json);
    info.framing = "websocket";
    return info;
  }
  std::size_t max_message_size() const override { return 1 << 20; }

  bool reading = true;
  std::vector<std::string> sent;

 private:
  base::IoThread& io_;
};

/// A disk that writes nothing by itself.
class Disk final : public realm::EventJournal {
 public:
  void write(Entry entry) override { unwritten += entry.publish.size(); }
  std::size_t backlog() const override { return unwritten; }

  std::size_t unwritten = 0;
};

/// Other nodes, to which nothing is sent by itself.
class Others final : public realm::ClusterPort {
 public:
  void subscription_made(const realm::SubscriptionRef&) override {}
  void subscription_gone(const realm::SubscriptionRef&) override {}
  void publish(const wamp::Publish& message, wamp::PublicationId, const realm::Identity*, wamp::TrustLevel) override {
    unsent += message.payload.bytes.size();
  }
  void retain(const realm::PublicationRef&, unsigned) override {}
  void claim(realm::Claim) override {}
  void release(std::uint64_t) override {}
  void catch_up(unsigned, std::uint64_t) override {}
  void send(realm::ShardMessage) override {}
  bool is_complete() const override { return true; }
  std::size_t backlog() const override { return unsent; }
  void publish(const realm::MetaEvent&) override {}
  const std::string& node() const override { return name; }
  bool has_others() const override { return false; }
  void ask(unsigned, realm::NodeQuestion) override {}
  void answer(const realm::NodeQuestion&, const realm::NodeAnswer&) override {}

  std::size_t unsent = 0;
  std::string name = "here";
};

class World {
 public:
  explicit World(bool clustered = false) : router_({&io_}, {}), endpoint_(router_, {}), port(io_) {
    realm::Realm* realm = router_.add_realm("realm1", {});
    realm->add_role("anonymous", realm::make_fixed_authorizer({true, false}));
    if (clustered) {
      realm->set_cluster(others);
    } else {
      realm->add_history("com.kept", wamp::Match::exact, {10});
      realm->set_journal(disk);
    }
    connection_ = endpoint_.make_handler(port);
    receive(R"([1,"realm1",{"roles":{"publisher":{}}}])");
    REQUIRE(port.sent.back().starts_with("[2,"));
  }
  ~World() { connection_->on_closed("the test is over"); }

  void receive(const std::string& text) {
    std::vector<std::uint8_t> bytes(text.begin(), text.end());
    bytes.resize(text.size() + base::IoThread::kReadPadding);
    connection_->on_message(std::span(bytes).first(text.size()), base::ChunkRef());
  }
  void publish(std::size_t size) {
    receive("[16,1,{\"acknowledge\":true},\"com.kept\",[\"" + std::string(size, 'x') + "\"]]");
  }
  /// Until the connection is read from.
  void run() {
    while (!port.reading) {
      io_.context().restart();
      io_.run();
    }
  }

 private:
  base::IoThread io_{0};
  connection::Router router_;
  connection::Endpoint endpoint_;

 public:
  Disk disk;
  Others others;
  Port port;

 private:
  std::unique_ptr<transports::MessageHandler> connection_;
};

}  // namespace

TEST_CASE("who publishes is not read from while more than 64 MiB of history wait to be written") {
  World world;
  constexpr std::size_t kMiB = 1024 * 1024;
  std::size_t publications = 0;
  while (world.port.reading) {
    REQUIRE(publications < 1000);
    world.publish(kMiB);
    ++publications;
  }
  REQUIRE(publications == 64);  // the last one, with its envelope, is over the limit
  REQUIRE(world.disk.unwritten > 64 * kMiB);
  REQUIRE(world.disk.unwritten < 65 * kMiB);
  world.disk.unwritten = 64 * kMiB;  // something has been written
  world.run();
  REQUIRE(world.port.reading);
  world.publish(1);
  REQUIRE_FALSE(world.port.reading);
  world.disk.unwritten = 0;
  world.run();
  world.publish(kMiB);
  REQUIRE(world.port.reading);
}

TEST_CASE("who publishes is not read from while more than 64 MiB wait to be sent to other nodes") {
  World world(true);
  constexpr std::size_t kMiB = 1024 * 1024;
  std::size_t publications = 0;
  while (world.port.reading) {
    REQUIRE(publications < 1000);
    world.publish(kMiB);
    ++publications;
  }
  REQUIRE(publications == 64);
  REQUIRE(world.others.unsent > 64 * kMiB);
  world.others.unsent = 0;
  world.run();
  world.publish(kMiB);
  REQUIRE(world.port.reading);
}
