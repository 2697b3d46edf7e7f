#pragma once

#include <tsl/robin_map.h>

#include <map>
#include <memory>
#include <string_view>
#include <vector>

#include "realm/retained_events.hpp"
#include "realm/shard_context.hpp"
#include "realm/subscription.hpp"
#include "realm/uri_cache.hpp"

namespace crosspoint::realm {

/// The broker of one shard: subscriptions of its sessions, publications of its sessions ("Publish and Subscribe").
/// Sends nothing itself; belongs to the shard's thread.
class Broker {
 public:
  explicit Broker(ShardContext& context) : context_(context), retained_(context.options.retained) {}

  void subscribe(Session& session, const wamp::Subscribe& message, Outbox& out);
  void unsubscribe(Session& session, const wamp::Unsubscribe& message, Outbox& out);
  void publish(Session& session, const wamp::Publish& message, Outbox& out);
  /// A publication of another shard's session, or of another node's.
  void deliver(const PublicationRef& publication, Outbox& out);
  /// Takes a session off a subscription and tells it so, if it understands that ("Subscription Revocation"). False if
  /// it was not subscribed. An empty `reason` is none; it must outlive the delivery of `out`.
  bool revoke(Session& session, wamp::SubscriptionId subscription, std::string_view reason, Outbox& out);
  /// Publishes what the session wanted to be published when it ends, which it does ("Session Testament").
  void publish_testaments(Session& session, Outbox& out);
  /// Tells a publisher what became of a publication that history keeps on disk, or a caller that it was flushed.
  static void acknowledge(Session& session, const StoredPublication& stored, Outbox& out);
  /// A retained publication of this or another node has its place.
  void deliver(const PlacedPublication& placed, Outbox& out);
  /// Those who wait for a subscription become members.
  void deliver(const SubscriptionReady& ready, Outbox& out);
  /// The session is gone.
  void leave(Session& session);
  /// Publishes what was reported while a message was handled (ShardContext::reports), here and on other shards.
  void publish_reports(Outbox& out);
  /// Something that happened, here or on another shard: published when its turn comes.
  void deliver(const MetaEvent& event, Outbox& out);
  /// The sessions of this shard that are subscribed.
  std::vector<wamp::SessionId> members(wamp::SubscriptionId subscription) const;

 private:
  /// A subscription with members on this shard.
  struct Local {
    SubscriptionRef shared;
    std::vector<Session*> members;
    std::uint64_t meta_events_before = 0;  ///< number of the last that happened before there were members
    bool ready = true;                     ///< Subscription::ready
  };
  /// A session that is told SUBSCRIBED when the subscription is ready.
  struct Waiting {
    Session* session = nullptr;
    wamp::RequestId request = 0;
    bool get_retained = false;
  };
  /// What the directory said of a topic.
  struct Matches {
    std::vector<SubscriptionRef> subscriptions;
    bool stored = false;  ///< one of them has a history
    std::uint64_t version = 0;
  };
  using ByUri = tsl::robin_map<std::string_view, Local*, base::StringHash, std::equal_to<>>;

  ByUri& by_uri(wamp::Match match) { return by_uri_[static_cast<std::size_t>(match)]; }
  Local& make_local(Session& session, std::string_view uri, wamp::Match match);
  void remove_local(const Session& session, wamp::SubscriptionId id);
  void stop_waiting(const Session& session);
  void add_member(Local& local, const Waiting& who, Outbox& out);
  /// Gives a publication its place among those that are retained, and keeps it.
  void retain(const std::shared_ptr<Publication>& publication);
  void retain_elsewhere(const std::shared_ptr<Publication>& publication);
  void remove_member(Session& session, wamp::SubscriptionId id, std::uint32_t position);
  void publish_meta_event(std::uint64_t number, const PublicationRef& publication, Outbox& out);
  void publish_testament(const Session& session, Testament testament, Outbox& out);
  /// nullptr if the topic is no valid URI.
  const Matches* matches(std::string_view topic);
  void refuse_publish(Session& session, const wamp::Publish& message, std::string_view error, std::string_view text,
                      Outbox& out) const;
  /// What the router adds to a publication.
  struct Provenance {
    wamp::PublicationId id = 0;
    std::shared_ptr<const Identity> publisher;  ///< set if it is to be disclosed
    wamp::TrustLevel trustlevel = wamp::kNoTrustLevel;
  };
  /// Has other nodes' subscribers get what a session publishes.
  void publish_elsewhere(const wamp::Publish& message, const Provenance& from) const;
  /// `session` published it (nullptr: the router itself).
  void dispatch(const Session* session, const wamp::Publish& message, const Matches& matches, const Provenance& from,
                Outbox& out);
  /// What other shards are to deliver, and what may be retained.
  std::shared_ptr<Publication> make_publication(const wamp::Publish& message, const Matches& matches,
                                                const Provenance& from,
                                                std::shared_ptr<const ReceiverFilter> filter) const;
  void deliver(wamp::SubscriptionId subscription, const Publication& publication, Outbox& out) const;
  /// Whether history keeps a publication, and has it kept.
  static bool is_stored(const Matches& matches, const wamp::Publish& message);
  void store(const Session* session, const wamp::Publish& message, const Matches& matches,
             const PublicationRef& publication) const;
  /// The retained events that a new member asked for.
  void send_retained(Session& session, const Subscription& subscription, Outbox& out) const;
  void deliver_local(const Local& local, const Session* excluded, const ReceiverFilter* filter, wamp::Event event,
                     Outbox& out) const;

  ShardContext& context_;
  tsl::robin_map<wamp::SubscriptionId, std::unique_ptr<Local>> subscriptions_;
  std::vector<const Local*> here_;  // of dispatch()
  ByUri by_uri_[3];                 // keys are the uri of the subscription
  UriCache<Matches> cache_;
  RetainedEvents retained_;
  tsl::robin_map<wamp::SubscriptionId, std::vector<Waiting>> waiting_;
  Matches uncached_;                               // for topics that the cache does not take
  std::uint64_t last_meta_event_ = 0;              // its number
  std::map<std::uint64_t, PublicationRef> early_;  // by number: those that came before their turn
};

}  // namespace crosspoint::realm
