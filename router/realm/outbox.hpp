#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "realm/action.hpp"
#include "realm/session.hpp"
#include "realm/shard_message.hpp"
#include "wamp/message.hpp"

namespace crosspoint::realm {

/// What handling a message leads to: the realm decides and fills an Outbox, the shell delivers it, in order, before the
/// next message is handled. Views in the messages are valid until then.
class Outbox {
 public:
  /// A message to one session, or to receivers().
  struct Item {
    Session* to = nullptr;  ///< nullptr: to `receiver_count` receivers from `first_receiver` on
    std::uint32_t first_receiver = 0;
    std::uint32_t receiver_count = 0;
    wamp::Message message;
  };
  /// A message to another shard of the realm.
  struct Post {
    unsigned shard = 0;
    ShardMessage message;
  };
  /// A request that authorization refused: for the log.
  struct Denial {
    const Session* session = nullptr;
    Action action{};
    std::string uri;
    std::string reason;  ///< an error URI, or what was wrong with the authorizer
  };

  /// The time limit of a call is to begin (milliseconds), or not to count any more (0).
  struct Timer {
    std::uint64_t number = 0;
    std::uint64_t milliseconds = 0;
    SessionKey caller;
    wamp::RequestId request = 0;
  };

  /// A piece of a stream that a session has sent.
  struct Piece {
    SessionKey sender;
    std::shared_ptr<Intake> to;
  };

  /// A session that is to be told GOODBYE, after all messages of this Outbox.
  struct Farewell {
    SessionKey session;
    std::string reason;  ///< a close URI
    std::string message;
  };

  struct Resumption {
    SessionKey session;
    wamp::RequestId request = 0;
  };

  void send(Session& to, wamp::Message message) { items_.push_back({&to, 0, 0, std::move(message)}); }
  /// The receivers are those added with add_receiver() since the last call of multicast().
  void multicast(wamp::Message message) {
    const auto count = static_cast<std::uint32_t>(receivers_.size()) - multicast_until_;
    if (count > 0) items_.push_back({nullptr, multicast_until_, count, std::move(message)});
    multicast_until_ += count;
  }
  void add_receiver(Session& session) { receivers_.push_back(&session); }
  void post(unsigned shard, ShardMessage message) { posts_.push_back({shard, std::move(message)}); }
  void deny(const Session& session, Action action, std::string_view uri, std::string_view reason) {
    seldom().denials.push_back({&session, action, std::string(uri), std::string(reason)});
  }

  void end_session(Farewell farewell) { seldom().farewells.push_back(std::move(farewell)); }
  /// The message of a session that had to wait (Shard::must_catch_up) is to be handed in again. `request` is its id.
  void resume(const SessionKey& session, wamp::RequestId request) { seldom().resumed.push_back({session, request}); }
  /// `sender` has just sent a piece of a stream: it is to be held back while `to` is congested.
  void stream(const Session& sender, std::shared_ptr<Intake> to) {
    seldom().pieces.push_back({sender.key, std::move(to)});
  }
  /// Keeps what views in the messages point to, until they are delivered.
  void keep(std::shared_ptr<const void> what) { seldom().kept.push_back(std::move(what)); }
  void timer(const Timer& timer) { seldom().timers.push_back(timer); }

  const std::vector<Item>& items() const { return items_; }
  const std::vector<Session*>& receivers() const { return receivers_; }
  std::vector<Post>& posts() { return posts_; }
  /// Whether there is anything in the lists that follow.
  bool has_seldom() const { return has_seldom_; }
  const std::vector<Denial>& denials() const { return seldom_.denials; }
  const std::vector<Timer>& timers() const { return seldom_.timers; }
  const std::vector<Piece>& pieces() const { return seldom_.pieces; }
  const std::vector<Farewell>& farewells() const { return seldom_.farewells; }
  const std::vector<Resumption>& resumed() const { return seldom_.resumed; }
  bool empty() const { return items_.empty() && posts_.empty() && !has_seldom_; }
  /// Done for every message that is delivered; three moves would take six times as many instructions.
  friend void swap(Outbox& a, Outbox& b) noexcept {
    a.items_.swap(b.items_);
    a.receivers_.swap(b.receivers_);
    std::swap(a.multicast_until_, b.multicast_until_);
    a.posts_.swap(b.posts_);
    if (!a.has_seldom_ && !b.has_seldom_) return;
    std::swap(a.has_seldom_, b.has_seldom_);
    std::swap(a.seldom_, b.seldom_);
  }
  void clear() {
    items_.clear();
    receivers_.clear();
    posts_.clear();
    multicast_until_ = 0;
    if (has_seldom_) clear_seldom();
  }

 private:
  /// What most messages lead to nothing of: looked at only if one does.
  struct Seldom {
    std::vector<Denial> denials;
    std::vector<Timer> timers;
    std::vector<Farewell> farewells;
    std::vector<Resumption> resumed;
    std::vector<Piece> pieces;
    std::vector<std::shared_ptr<const void>> kept;
  };
  Seldom& seldom() {
    has_seldom_ = true;
    return seldom_;
  }
  void clear_seldom() {
    seldom_.denials.clear();
    seldom_.timers.clear();
    seldom_.farewells.clear();
    seldom_.resumed.clear();
    seldom_.pieces.clear();
    seldom_.kept.clear();
    has_seldom_ = false;
  }

  std::vector<Item> items_;
  std::vector<Session*> receivers_;
  std::uint32_t multicast_until_ = 0;
  bool has_seldom_ = false;
  std::vector<Post> posts_;
  Seldom seldom_;
};

}  // namespace crosspoint::realm
