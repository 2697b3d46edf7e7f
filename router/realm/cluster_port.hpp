#pragma once

#include <cstddef>

#include "realm/session.hpp"
#include "realm/subscription.hpp"
#include "wamp/message.hpp"

namespace crosspoint::realm {

/// What joins a realm to the realm of the same name on other nodes. What other nodes publish comes to the shards as
/// PublicationRef, for subscriptions that the sender has chosen.
class ClusterPort {
 public:
  virtual ~ClusterPort() = default;

  /// Any thread, under the lock of the realm's subscriptions: the first session of this node wants events, the last one
  /// does not want them any more. When events of other nodes begin to come, or cannot come, Realm::confirm() is called;
  /// until then nobody is told SUBSCRIBED.
  virtual void subscription_made(const SubscriptionRef& subscription) = 0;
  virtual void subscription_gone(const SubscriptionRef& subscription) = 0;
  /// Any thread; does not wait. A session of this node has published; `publisher` is set if it is to be disclosed.
  virtual void publish(const wamp::Publish& message, wamp::PublicationId id, const Identity* publisher) = 0;
  /// Any thread: bytes of publications that wait to be sent to other nodes.
  virtual std::size_t backlog() const = 0;
};

/// What a realm publishes about itself stays on its node, so subscriptions to that alone have nothing to wait for.
inline bool crosses_nodes(std::string_view uri) { return !wamp::is_reserved(uri); }

}  // namespace crosspoint::realm
