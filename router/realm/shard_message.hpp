#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "realm/meta_order.hpp"
#include "realm/node_question.hpp"
#include "realm/receiver_filter.hpp"
#include "realm/registration.hpp"
#include "realm/session.hpp"
#include "realm/session_key.hpp"
#include "realm/subscription.hpp"
#include "wamp/ids.hpp"
#include "wamp/message.hpp"

/// What shards of one realm send each other, in place of touching each other's sessions. Everything in them is owned or
/// reference-counted and never changes. Messages from one shard to another arrive in the order they were sent.
namespace crosspoint::realm {

struct HistoryAnswer;
using HistoryAnswerRef = std::shared_ptr<const HistoryAnswer>;

/// An event for the members a shard has on some subscriptions. One is made per publication, whatever the number of
/// shards. One that is to be retained goes to every shard.
struct Publication {
  wamp::PublicationId id = 0;
  std::vector<wamp::SubscriptionId> subscriptions;
  std::string topic;
  std::shared_ptr<const Identity> publisher;  ///< set if disclosed
  std::shared_ptr<const ReceiverFilter> filter;
  wamp::TrustLevel trustlevel = wamp::kNoTrustLevel;
  wamp::PassthruRef passthru{};
  wamp::Payload payload;
  /// Its place among the retained publications of the realm; 0: not to be retained. In a realm that is shared with
  /// other nodes it is provisional (RetainedEvents::kProvisional) until they have agreed.
  std::uint64_t retained = 0;
};
using PublicationRef = std::shared_ptr<const Publication>;

/// A retained publication that has a place which all nodes agree upon: to be kept there, and not to be delivered.
struct PlacedPublication {
  PublicationRef publication;
  /// The receiving shard has published it, and tells the others, which must hear of the publication itself before.
  bool pass_on = false;
};

/// A publication that is on disk, or could not be written there, for a publisher of the receiving shard that wants to
/// know; or a flush, for its caller.
struct StoredPublication {
  SessionKey publisher;
  wamp::RequestId request = 0;
  wamp::PublicationId publication = 0;
  std::string problem;  ///< empty if all is well
  /// How many events were forgotten, if that is what was done ("wamp.subscription.flush").
  std::optional<std::size_t> flushed{};
};

/// Events of other nodes come in for a subscription that members of the receiving shard wait for (ClusterPort).
struct SubscriptionReady {
  wamp::SubscriptionId subscription = 0;
  std::uint64_t serial = 0;  ///< of that subscription
};

/// A call for a callee of the receiving shard.
struct RemoteCall {
  SessionKey caller;
  wamp::RequestId request = 0;
  SessionKey callee;
  wamp::RegistrationId registration = 0;
  std::string procedure;                      ///< set for pattern-based registrations
  std::shared_ptr<const Identity> disclosed;  ///< the caller, if disclosed
  wamp::Payload payload;
  std::uint64_t handle = 0;  ///< unique among all shards' calls
  bool continues = false;    ///< more of a call that was made before
  bool receive_progress = false;
  bool progress = false;
  wamp::TrustLevel trustlevel = wamp::kNoTrustLevel;
  std::uint64_t timeout = 0;  ///< for the callee to mind
  wamp::PassthruRef passthru{};
  std::shared_ptr<Intake> results_to{};  ///< the caller's, if it receives progress
  SlotUse slot{};                        ///< the callee's; the registration is set if some of its callees have limits
  std::uint64_t claim = 0;  ///< from another node: stands for callee and registration, and they are to be found by it
  std::shared_ptr<Intake> pieces_to{};  ///< from or to another node: where this piece was counted
};

/// A call that did not reach its callee, back to its caller's shard: it is to wait for another one.
struct ReturnedCall {
  RemoteCall call;
};

/// A callee that is free for the oldest call of a session that waits at a registration, or for a call of another node.
/// Without a callee: there is none any more.
struct RemoteTurn {
  CallQueue::Waiter waiter;
  std::shared_ptr<const Registration> registration;
  Callee callee{};
};

/// A call that was canceled, for the shard of its callee.
struct RemoteCancel {
  std::uint64_t handle = 0;
  wamp::CancelMode mode{};
  std::string reason;
};

/// A registration that was taken from a callee of the receiving shard.
struct RemoteRevocation {
  SessionKey callee;
  wamp::RegistrationId registration = 0;
  std::string reason;
  std::uint64_t claim = 0;  ///< the callee's, if it is one for all nodes
};

/// Something that a realm is to publish about itself, with the places it has got (MetaOrder).
struct MetaReport {
  MetaTopic topic{};
  std::vector<MetaOrder::Place> places;
  wamp::Payload arguments;
};

/// Whether a session of the receiving shard may serve a procedure for all nodes (ClusterPort::claim).
struct ClaimDecided {
  enum class Outcome : std::uint8_t { accepted, already_exists, policy_conflict, unavailable };
  std::uint64_t claim = 0;
  Outcome outcome{};
  std::uint64_t order = 0;            ///< its place among the callees
  wamp::InvocationPolicy existing{};  ///< of those who have it, for policy_conflict
};
/// It may not any more. The directory may know that already.
struct ClaimRevoked {
  std::uint64_t claim = 0;
  std::string reason;
  std::vector<MetaReport> reports{};  ///< for the shard to publish, if the directory knows
};

/// The answer to a call, for a caller of the receiving shard.
struct RemoteResult {
  SessionKey caller;
  wamp::RequestId request = 0;
  std::shared_ptr<const Identity> callee;
  wamp::Payload payload;
  bool progress = false;
  wamp::PassthruRef passthru{};
};

/// The failure of a call, for a caller of the receiving shard.
struct RemoteError {
  SessionKey caller;
  wamp::RequestId request = 0;
  std::string error;
  wamp::Dict details;
  wamp::Payload payload;
};

/// Something that the realm publishes about itself, for a shard that has listeners. It is published there when all that
/// has an earlier place has been (MetaOrder).
struct MetaEvent {
  MetaTopic topic{};
  std::uint64_t number = 0;  ///< its place among those for the receiving shard
  PublicationRef publication;
};

/// Ends a session of the receiving shard ("wamp.session.kill").
struct RemoteKill {
  SessionKey session;
  std::string reason;
  std::string message;
};

/// Takes a session of the receiving shard off a subscription ("Subscription Revocation"); and what came of it.
struct RemoteUnsubscribe {
  unsigned from = 0;  ///< shard
  std::uint64_t number = 0;
  SessionKey subscriber;
  wamp::SubscriptionId subscription = 0;
  std::string reason;
};
struct UnsubscribeAnswer {
  std::uint64_t number = 0;
  bool was_subscribed = false;
};

/// Asks a shard what it knows of one of its sessions, or what that is subscribed to, or has it change the details that
/// others have given it ("wamp.session.modify_details"); and its answer.
struct SessionQuery {
  enum class What : std::uint8_t { details, subscriptions, modify };
  unsigned from = 0;  ///< shard
  std::uint64_t number = 0;
  SessionKey session;
  What what{};
  std::string changes;  ///< JSON text of an object
};
struct SessionAnswer {
  std::uint64_t number = 0;
  std::string answer;   ///< JSON text; empty if the session is gone
  std::string problem;  ///< why it was not done
};

/// Asks a shard who of its sessions is subscribed; and what it answers.
struct MembersQuery {
  unsigned from = 0;  ///< shard
  std::uint64_t number = 0;
  wamp::SubscriptionId subscription = 0;
};
struct MembersAnswer {
  std::uint64_t number = 0;
  std::vector<wamp::SessionId> sessions;
};

/// ClusterPort::catch_up has come to its end.
struct CaughtUp {
  std::uint64_t number = 0;
};

using ShardMessage =
    std::variant<PublicationRef, RemoteCall, RemoteResult, RemoteError, RemoteCancel, RemoteRevocation, RemoteTurn,
                 ReturnedCall, MetaEvent, RemoteKill, SessionQuery, SessionAnswer, MembersQuery, MembersAnswer,
                 RemoteUnsubscribe, UnsubscribeAnswer, StoredPublication, SubscriptionReady, PlacedPublication,
                 ClaimDecided, ClaimRevoked, NodeQuestion, NodeAnswers, HistoryAnswerRef, CaughtUp>;

/// Bytes a message holds on to, roughly; what mailbox limits count.
std::size_t size_of(const ShardMessage& message);
/// The same for a piece of a stream, as Intake counts it.
inline constexpr std::size_t kPieceCost = 256;
inline std::size_t size_of_piece(const wamp::Payload& payload) { return payload.bytes.size() + kPieceCost; }

}  // namespace crosspoint::realm
