#pragma once

#include <tsl/robin_map.h>

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
  /// A publication of another shard's session.
  void deliver(const PublicationRef& publication, Outbox& out);
  /// Takes a session off a subscription and tells it so, if it understands that ("Subscription Revocation"). False if
  /// it was not subscribed. An empty `reason` is none; it must outlive the delivery of `out`.
  bool revoke(Session& session, wamp::SubscriptionId subscription, std::string_view reason, Outbox& out);
  /// Publishes what the session wanted to be published when it ends, which it does ("Session Testament").
  void publish_testaments(Session& session, Outbox& out);
  /// Tells a publisher what became of a publication that history keeps on disk.
  static void acknowledge(Session& publisher, const StoredPublication& stored, Outbox& out);
  /// The session is gone.
  void leave(Session& session, Outbox& out);
  /// What happened to a subscription that this shard made, for the subscribers of the subscription meta events.
  void report(const SubscriptionReport& report, Outbox& out);
  void report(const RegistrationReport& report, Outbox& out);
  /// A publication of the router's own.
  void publish_own(std::string_view topic, wamp::Payload arguments, Outbox& out);
  bool has_subscribers(std::string_view topic);
  /// The sessions of this shard that are subscribed.
  std::vector<wamp::SessionId> members(wamp::SubscriptionId subscription) const;

 private:
  /// A subscription with members on this shard.
  struct Local {
    SubscriptionRef shared;
    std::vector<Session*> members;
  };
  /// What the directory said of a topic.
  struct Matches {
    std::vector<SubscriptionRef> subscriptions;
    bool stored = false;  ///< one of them has a history
    std::uint64_t version = 0;
  };
  using ByUri = tsl::robin_map<std::string_view, Local*, base::StringHash, std::equal_to<>>;

  ByUri& by_uri(wamp::Match match) { return by_uri_[static_cast<std::size_t>(match)]; }
  struct Removed {
    SubscriptionRef subscription;
    bool deleted = false;  ///< nobody is left
  };
  Removed remove_member(Session& session, wamp::SubscriptionId id, std::uint32_t position);
  void publish_testament(const Session& session, Testament testament, Outbox& out);
  void report_removed(wamp::SessionId session, const Removed& removed, Outbox& out);
  /// nullptr if the topic is no valid URI.
  const Matches* matches(std::string_view topic);
  void refuse_publish(Session& session, const wamp::Publish& message, std::string_view error, std::string_view text,
                      Outbox& out) const;
  /// `session` published it (nullptr: the router itself); `publisher` is set if that is to be disclosed.
  void dispatch(const Session* session, const wamp::Publish& message, const Matches& matches, wamp::PublicationId id,
                const std::shared_ptr<const Identity>& publisher, Outbox& out);
  /// What other shards are to deliver, and what may be retained.
  std::shared_ptr<Publication> make_publication(const wamp::Publish& message, const Matches& matches,
                                                wamp::PublicationId id, std::shared_ptr<const Identity> publisher,
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
  ByUri by_uri_[3];  // keys are the uri of the subscription
  UriCache<Matches> cache_;
  RetainedEvents retained_;
  Matches uncached_;  // for topics too long for the cache
};

}  // namespace crosspoint::realm
