#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "realm/node_question.hpp"
#include "realm/session.hpp"
#include "realm/shard_message.hpp"
#include "realm/subscription.hpp"
#include "wamp/message.hpp"

namespace crosspoint::realm {

/// A session of this node that wants to serve a procedure, or a pattern of procedures, for callers of all nodes.
struct Claim {
  std::uint64_t number = 0;  ///< unique among those of this node; the shard that made it is in its low bits
  std::string uri;
  wamp::Match match = wamp::Match::exact;
  wamp::InvocationPolicy invoke = wamp::InvocationPolicy::single;
  wamp::SessionId session = 0;
  bool force = false;  ///< it takes the place of those who have it
  bool forward_timeout = false;
  bool reroutes = false;

  /// Of Claim::number and of the handles of calls: the shard that made them.
  static constexpr unsigned kShardBits = 6;
  static unsigned shard_of(std::uint64_t number) { return number & ((1U << kShardBits) - 1); }
};

/// What joins a realm to the realm of the same name on other nodes. What other nodes publish comes to the shards as
/// PublicationRef, for subscriptions that the sender has chosen; what they retain comes to every shard.
class ClusterPort {
 public:
  virtual ~ClusterPort() = default;

  /// Any thread, under the lock of the realm's subscriptions: the first session of this node wants events, the last one
  /// does not want them any more. When events of other nodes begin to come, or cannot come, Realm::confirm() is called;
  /// until then nobody is told SUBSCRIBED.
  virtual void subscription_made(const SubscriptionRef& subscription) = 0;
  virtual void subscription_gone(const SubscriptionRef& subscription) = 0;
  /// Any thread; does not wait. A session of this node has published; `publisher` is set if it is to be disclosed.
  virtual void publish(const wamp::Publish& message, wamp::PublicationId id, const Identity* publisher,
                       wamp::TrustLevel trustlevel) = 0;
  /// The same for one that is to be retained, here and there. Its place is provisional; when the nodes have agreed on
  /// one, `shard`, which has published it, gets a PlacedPublication.
  virtual void retain(const PublicationRef& publication, unsigned shard) = 0;
  /// Any thread; does not wait. ClaimDecided comes to the shard of the claim. One that was accepted is to be released
  /// when the registration ends, or if it could not be made. ClaimRevoked may end it before.
  virtual void claim(Claim claim) = 0;
  virtual void release(std::uint64_t number) = 0;
  /// Any thread; does not wait. `shard` gets CaughtUp with the number when the other nodes will find what it has
  /// released, whatever they claim from then on, and this node knows what they had claimed; at once if it is alone.
  virtual void catch_up(unsigned shard, std::uint64_t number) = 0;
  /// Any thread; does not wait. A message about a call for what lives at kOtherNode.
  virtual void send(ShardMessage message) = 0;
  /// Any thread: whether all that is registered elsewhere is known here, and can be called.
  virtual bool is_complete() const = 0;

  /// Any thread: bytes of publications that wait to be sent to other nodes.
  virtual std::size_t backlog() const = 0;

  /// Any thread; does not wait. Something that the realm publishes about itself, with its place among those for
  /// kOtherNodes (MetaOrder).
  virtual void publish(const MetaEvent& event) = 0;

  /// Any thread: the id of this node, and whether other nodes are there.
  virtual const std::string& node() const = 0;
  virtual bool has_others() const = 0;
  /// Any thread; does not wait. Asks all other nodes; the shard gets NodeAnswers with the question's number, in any
  /// case.
  virtual void ask(unsigned shard, NodeQuestion question) = 0;
  /// Any thread; does not wait. Answers what another node has asked (the shards get it as NodeQuestion).
  virtual void answer(const NodeQuestion& question, const NodeAnswer& answer) = 0;
};

/// The place among the retained publications of all nodes of one that was made at `time` (milliseconds since 1970), the
/// `number`th in that millisecond; for times until 2248.
inline constexpr std::uint64_t retained_place(std::int64_t time, std::uint64_t number = 0) {
  constexpr unsigned kNumberBits = 20;
  return (static_cast<std::uint64_t>(time) << kNumberBits) + number;
}

/// When a claim was made, as RealmOptions::timestamp says it; `order` is its place.
std::string time_of_claim(std::uint64_t order);

/// Whether what a session publishes goes to other nodes.
inline bool crosses_nodes(std::string_view topic) { return !wamp::is_reserved(topic); }
/// Whether other nodes publish what a subscription wants; if not, it has nothing to wait for.
inline bool crosses_nodes(const Subscription& subscription) {
  return crosses_nodes(subscription.uri) || subscription.meta_topics != 0;
}

}  // namespace crosspoint::realm
