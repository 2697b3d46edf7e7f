#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "wamp/ids.hpp"
#include "wamp/uri.hpp"

namespace crosspoint::realm {

class EventLog;

/// What sessions of a realm share when they subscribe to the same URI under the same match policy. The members are not
/// here: each shard keeps those of its own sessions (Broker). Shared by all threads; all but `shards` is constant.
struct Subscription {
  wamp::SubscriptionId id = 0;
  std::uint64_t serial = 0;  ///< of no other subscription of this node, as an id may be
  std::string uri;
  wamp::Match match = wamp::Match::exact;
  std::uint16_t meta_topics = 0;  ///< those of MetaTopic that it gets: a bit for each
  EventLog* log = nullptr;        ///< its history, if it has one; such a subscription stays without members
  std::string created;            ///< when, as RealmOptions::timestamp says it
  /// Guarded by the directory's lock: events of other nodes come in, or this one is not to wait for them (ClusterPort).
  bool ready = true;
  /// The same: they have been asked for. One that stays without members asks once, and for good.
  bool listened = false;
  /// Bit k is set while shard k has members. Changed only under the directory's lock.
  std::atomic<std::uint64_t> shards{0};
};

using SubscriptionRef = std::shared_ptr<Subscription>;

}  // namespace crosspoint::realm
