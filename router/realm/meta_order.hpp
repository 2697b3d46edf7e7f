#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <string_view>
#include <vector>

#include "wamp/uri.hpp"

namespace crosspoint::realm {

/// What a realm publishes about itself (session, subscription and registration meta events of the advanced profile).
enum class MetaTopic : std::uint8_t {
  session_on_join,
  session_on_leave,
  subscription_on_create,
  subscription_on_subscribe,
  subscription_on_unsubscribe,
  subscription_on_delete,
  registration_on_create,
  registration_on_register,
  registration_on_unregister,
  registration_on_delete,
};
inline constexpr std::size_t kMetaTopics = 10;

/// "wamp.session.on_join" and so on.
std::string_view uri_of(MetaTopic topic);
/// The meta topics that a subscription gets: a bit for each.
std::uint16_t meta_topics_of(std::string_view uri, wamp::Match match);

/// Gives the meta events of a realm their order. Whoever changes something takes the places of the event at the moment
/// of the change (under the lock that guards what is changed), and then sends it to each shard that has listeners; that
/// shard publishes what it is sent in the order of the places. Any thread.
class MetaOrder {
 public:
  /// The place of an event among those for one shard, counted from 1 without gaps: what takes a place must be sent.
  struct Place {
    unsigned shard = 0;
    std::uint64_t number = 0;
  };

  /// A subscription of a shard has got its first member, or lost the last one. `topics` as meta_topics_of() has it.
  /// Returns the last number given to the shard: what was before is none of the subscription's business.
  std::uint64_t add_listener(std::uint16_t topics, unsigned shard);
  void remove_listener(std::uint16_t topics, unsigned shard);

  /// Other nodes are to hear of everything: each event has a place among those for them, too. Before the threads start.
  void tell_other_nodes() { other_nodes_ = true; }

  /// Places on all shards that have listeners of that topic, and kOtherNodes: none if nobody listens.
  std::vector<Place> take(MetaTopic topic);

  static constexpr unsigned kOtherNodes = 64;  ///< as Place::shard

 private:
  static constexpr std::size_t kShards = 64;

  bool other_nodes_ = false;
  std::array<std::atomic<std::uint64_t>, kMetaTopics>
      shards_{};  ///< bit k: shard k has listeners. Written under mutex_
  std::mutex mutex_;
  std::array<std::array<std::uint32_t, kShards>, kMetaTopics> listeners_{};  // guarded by mutex_: subscriptions
  std::array<std::uint64_t, kShards + 1> last_{};                            // guarded by mutex_
};

}  // namespace crosspoint::realm
