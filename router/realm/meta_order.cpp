#include "realm/meta_order.hpp"

#include <bit>

namespace crosspoint::realm {

std::string_view uri_of(MetaTopic topic) {
  static constexpr std::array<std::string_view, kMetaTopics> kUris{"wamp.session.on_join",
                                                                   "wamp.session.on_leave",
                                                                   "wamp.subscription.on_create",
                                                                   "wamp.subscription.on_subscribe",
                                                                   "wamp.subscription.on_unsubscribe",
                                                                   "wamp.subscription.on_delete",
                                                                   "wamp.registration.on_create",
                                                                   "wamp.registration.on_register",
                                                                   "wamp.registration.on_unregister",
                                                                   "wamp.registration.on_delete"};
  return kUris[static_cast<std::size_t>(topic)];
}

std::uint16_t meta_topics_of(std::string_view uri, wamp::Match match) {
  unsigned topics = 0;
  if (match == wamp::Match::exact && !wamp::is_reserved(uri)) return 0;
  for (std::size_t i = 0; i < kMetaTopics; ++i) {
    if (wamp::matches(uri, match, uri_of(static_cast<MetaTopic>(i)))) topics |= 1U << i;
  }
  return static_cast<std::uint16_t>(topics);
}

std::uint64_t MetaOrder::add_listener(std::uint16_t topics, unsigned shard) {
  if (topics == 0) return 0;
  const std::scoped_lock lock(mutex_);
  for (std::size_t i = 0; i < kMetaTopics; ++i) {
    if ((topics >> i & 1) != 0 && ++listeners_[i][shard] == 1) shards_[i].fetch_or(std::uint64_t{1} << shard);
  }
  return last_[shard];
}

void MetaOrder::remove_listener(std::uint16_t topics, unsigned shard) {
  if (topics == 0) return;
  const std::scoped_lock lock(mutex_);
  for (std::size_t i = 0; i < kMetaTopics; ++i) {
    if ((topics >> i & 1) != 0 && --listeners_[i][shard] == 0) shards_[i].fetch_and(~(std::uint64_t{1} << shard));
  }
}

std::vector<MetaOrder::Place> MetaOrder::take(MetaTopic topic) {
  std::vector<Place> places;
  const auto& shards = shards_[static_cast<std::size_t>(topic)];
  if (shards.load() == 0 && !other_nodes_) return places;  // the usual case: no lock
  const std::scoped_lock lock(mutex_);
  for (std::uint64_t left = shards.load(); left != 0; left &= left - 1) {
    const auto shard = static_cast<unsigned>(std::countr_zero(left));
    places.push_back({shard, ++last_[shard]});
  }
  if (other_nodes_) places.push_back({kOtherNodes, ++last_[kOtherNodes]});
  return places;
}

}  // namespace crosspoint::realm
