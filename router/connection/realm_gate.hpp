#pragma once

#include <tsl/robin_map.h>

#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/io_thread.hpp"
#include "connection/event_run.hpp"
#include "connection/service.hpp"
#include "connection/stream_holds.hpp"
#include "connection/workbench.hpp"
#include "realm/realm.hpp"
#include "transports/message_port.hpp"

namespace crosspoint::connection {

class Connection;

/// One realm on one I/O thread: delivers what its shard decides, to connections of this thread at once and to the other
/// threads' shards in one batch per turn. Belongs to that thread, except where said otherwise.
class RealmGate final : public base::TurnEnd {
 public:
  /// Bytes of history that may wait to be written before publishers are held back.
  static constexpr std::size_t kMaxUnwritten = 64 * 1024 * 1024;
  /// The same for what is to be sent to other nodes.
  static constexpr std::size_t kMaxUnsent = 64 * 1024 * 1024;
  /// Bytes that may be on their way to one shard before those who send to it are held back.
  static constexpr std::size_t kMaxInbound = 64 * 1024 * 1024;

  RealmGate(realm::Shard& shard, Workbench& workbench)
      : shard_(shard), workbench_(workbench), stream_holds_(workbench.io) {}

  /// The gates of the same realm, by thread; set once, before the threads start.
  void set_gates(std::vector<RealmGate*> gates);

  realm::Shard& shard() { return shard_; }
  base::IoThread& io() { return workbench_.io; }
  /// The router's own session of a role, made when first asked for.
  Service& service(const realm::Role& role);
  realm::Outbox& outbox() { return outbox_; }
  /// Delivers what is in the outbox, and what comes of that.
  void deliver();

  /// Any thread: hands messages to the shard, those of one thread in their order.
  void take_in(std::vector<realm::ShardMessage> messages);
  /// Any thread: more is on its way to the shard than it should.
  bool is_flooded() const { return inbound_bytes_.load(std::memory_order_relaxed) > kMaxInbound; }
  /// Called after a message of `connection` was delivered: stops reading from it while a shard it sends to cannot keep
  /// up.
  void hold_back_if_congested(Connection& connection);
  /// Ends a connection at the end of the turn, when nothing under delivery can refer to its session any more.
  void doom(Connection& connection, std::string_view reason);
  /// Gives those who have events to get what has been gathered for them. To be called before something is sent to a
  /// session other than by deliver(), and before a session leaves.
  void settle_events() {
    if (!event_run_.empty()) event_run_.settle();
  }
  /// The connection is going away, and events that have been gathered for it are lost.
  void forget(const Connection& connection);

  /// Sends GOODBYE to every session. This thread.
  void say_goodbye(std::string_view reason);

  void on_turn_end() override;
  /// Has on_turn_end() called.
  void need_turn_end();

 private:
  using Batch = std::vector<realm::ShardMessage>;
  /// Frames made so far for the event being delivered.
  using Frames = std::array<std::optional<transports::SharedFrame>, kFrameKeys>;

  void deliver_once();
  void deliver_to(realm::Session& session, const wamp::Message& message);
  void multicast(const realm::Outbox::Item& item);
  /// True if all of these receivers take shared frames and had room for the event.
  bool send_event(const wamp::Message& event, std::span<realm::Session* const> receivers, FrameMakers& makers);
  void log_inexpressible(const wamp::Message& event, std::uint32_t encodings) const;
  void post(unsigned shard, realm::ShardMessage message);
  void receive(const Batch& batch);
  void post_batch(Batch batch, std::size_t bytes);
  void release_held_back();
  void deliver_seldom();
  void log_denials() const;
  void resume(const realm::Outbox::Resumption& what);
  void hold_back_streams();
  void set_timer(const realm::Outbox::Timer& timer);
  bool congested() const;

  realm::Shard& shard_;
  Workbench& workbench_;
  Frames frames_;  // empty but while an event is being delivered
  EventRun event_run_;
  std::vector<RealmGate*> gates_;
  realm::Outbox outbox_;
  realm::Outbox delivering_;
  std::vector<Batch> batches_;  // by thread, of this turn
  std::vector<std::size_t> batch_bytes_;
  bool turn_end_asked_ = false;
  std::map<const realm::Role*, std::unique_ptr<Service>>
      services_;  // a callback may add one while all are gone through
  tsl::robin_map<std::uint64_t, base::Timers::Handle> call_timers_;  // by number
  std::vector<Connection*> held_back_;
  StreamHolds stream_holds_;
  std::vector<std::pair<Connection*, std::string_view>> doomed_;
  std::atomic<std::size_t> inbound_bytes_{0};  // any thread: under way to this gate
};

}  // namespace crosspoint::connection
