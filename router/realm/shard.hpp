#pragma once

#include <string_view>

#include "base/random.hpp"
#include "realm/broker.hpp"
#include "realm/dealer.hpp"
#include "realm/outbox.hpp"
#include "realm/session_table.hpp"

namespace crosspoint::realm {

class Realm;

/// The part of a realm that one thread owns: the sessions whose connections live on that thread, with their part of
/// broker and dealer. Every function fills an Outbox, which the caller delivers before it calls the next one.
class Shard {
 public:
  Shard(Realm& realm, unsigned index, base::Random random);
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  /// A session joins under a role of this realm. nullptr if its id is taken.
  Session* join(Peer& peer, std::shared_ptr<const Identity> identity, const Role& role,
                const Announced& announced = {});
  /// Tells those who listen to the session meta events that a session has joined; when it has been told WELCOME.
  void announce(Session& session, Outbox& out);
  /// A session of the router's own; `peer` is no connection, and gets the answers to its calls.
  Session& join_internal(Peer& peer, const Role& role);
  /// Ends a session and destroys it. What it leaves unanswered fails. Messages to it that are in an Outbox must have
  /// been delivered; none is added.
  void leave(Session& session, Outbox& out);

  /// A message from a session. Returns what makes it a protocol violation, or nothing.
  std::string_view receive(Session& session, const wamp::Message& message, Outbox& out);
  /// Set if the message just received has to wait for a dynamic authorizer: nothing was done. Have the question asked,
  /// set Session::verdict, and hand the same message in again.
  const std::optional<Question>& question() const { return context_.question; }
  /// Likewise, for what other nodes have said: hand the message in again, with Session::caught_up set, when an Outbox
  /// says so.
  bool must_catch_up() const { return context_.catching_up; }
  /// A message from another shard of this realm. It must outlive the delivery of `out`.
  void deliver(const ShardMessage& message, Outbox& out);
  /// A timer that an Outbox asked for is due.
  void time_out(const Outbox::Timer& timer, Outbox& out) { dealer_.time_out(timer, out); }
  /// See Dealer::invocation_undelivered.
  void invocation_undelivered(Session& callee, wamp::RequestId invocation, std::string_view error,
                              std::string_view text, Outbox& out) {
    dealer_.invocation_undelivered(callee, invocation, error, text, out);
  }

  /// See Dealer::result_undelivered.
  void result_undelivered(Session& caller, wamp::RequestId request, std::string_view error, std::string_view text,
                          Outbox& out) {
    dealer_.result_undelivered(caller, request, error, text, out);
  }

  Realm& realm() { return realm_; }
  unsigned index() const { return context_.shard; }
  SessionTable& sessions() { return sessions_; }

 private:
  Realm& realm_;
  base::Random random_;
  DecisionCache decisions_;
  SessionTable sessions_;
  ShardContext context_;
  Broker broker_;
  MetaApi meta_;
  Dealer dealer_;
};

}  // namespace crosspoint::realm
