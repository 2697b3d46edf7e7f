#pragma once

#include <tsl/robin_map.h>

#include <memory>
#include <string_view>
#include <vector>

#include "realm/shard_context.hpp"
#include "realm/subscription.hpp"
#include "realm/uri_cache.hpp"

namespace crosspoint::realm {

/// The broker of one shard: subscriptions of its sessions, publications of its sessions ("Publish and Subscribe").
/// Sends nothing itself; belongs to the shard's thread.
class Broker {
 public:
  explicit Broker(ShardContext& context) : context_(context) {}

  void subscribe(Session& session, const wamp::Subscribe& message, Outbox& out);
  void unsubscribe(Session& session, const wamp::Unsubscribe& message, Outbox& out);
  void publish(Session& session, const wamp::Publish& message, Outbox& out);
  /// A publication of another shard's session.
  void deliver(const Publication& publication, Outbox& out);
  /// The session is gone.
  void leave(Session& session);

 private:
  /// A subscription with members on this shard.
  struct Local {
    SubscriptionRef shared;
    std::vector<Session*> members;
  };
  /// What the directory said of a topic.
  struct Matches {
    std::vector<SubscriptionRef> subscriptions;
    std::uint64_t version = 0;
  };
  using ByUri = tsl::robin_map<std::string_view, Local*, base::StringHash, std::equal_to<>>;

  ByUri& by_uri(wamp::Match match) { return by_uri_[static_cast<std::size_t>(match)]; }
  void remove_member(Session& session, wamp::SubscriptionId id, std::uint32_t position);
  /// nullptr if the topic is no valid URI.
  const Matches* matches(std::string_view topic);
  void refuse_publish(Session& session, const wamp::Publish& message, std::string_view error, std::string_view text,
                      Outbox& out) const;
  void dispatch(Session& session, const wamp::Publish& message, const Matches& matches, wamp::PublicationId id,
                bool disclose, Outbox& out);
  void deliver_local(const Local& local, const Session* excluded, const ReceiverFilter* filter, wamp::Event event,
                     Outbox& out) const;

  ShardContext& context_;
  tsl::robin_map<wamp::SubscriptionId, std::unique_ptr<Local>> subscriptions_;
  ByUri by_uri_[3];  // keys are the uri of the subscription
  UriCache<Matches> cache_;
  Matches uncached_;  // for topics too long for the cache
};

}  // namespace crosspoint::realm
