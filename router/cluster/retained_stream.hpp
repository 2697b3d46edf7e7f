#pragma once

#include <tsl/robin_map.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.hpp"
#include "cluster/stream_entry.hpp"
#include "realm/retained_events.hpp"

namespace crosspoint::cluster {

/// What a node knows of the retained events of a realm that it shares with others. All nodes read them from a stream
/// in Redis, whose order is the one they agree upon; so an event has a provisional place until the stream has it. Has a
/// copy of the realm's retained events, made of the same publications, so that they can be put into a Redis that has
/// lost them. No I/O: belongs to one thread.
class RetainedStream {
 public:
  /// A shard of this node; kNoShard if the event was published elsewhere.
  static constexpr unsigned kNoShard = ~0U;
  /// A publication with its place, for the shards: for all of them, or for the one that has published it.
  struct News {
    realm::PublicationRef publication;
    unsigned shard = kNoShard;
  };

  explicit RetainedStream(const realm::RetainedEvents::Limits& limits) : events_(limits) {}

  /// A session of this node has published what is to be retained.
  void publish(const realm::PublicationRef& publication, unsigned shard);
  /// It is on its way to Redis, as `publication` is, which missing() has returned.
  void sent(const realm::PublicationRef& publication, unsigned shard = kNoShard);
  /// What this node has sent comes back: the publication and who has published it. Nothing if it has not sent it.
  std::optional<News> returned(wamp::PublicationId id);
  /// There is an entry of the stream. `place` is what it says of its place, 0 for that of its id. Nothing if that was
  /// known.
  std::optional<News> add(const EntryId& entry, std::uint64_t place, realm::PublicationRef publication,
                          unsigned shard = kNoShard);
  static std::uint64_t place_of(const EntryId& entry, std::uint64_t place);

  /// Entries that have no use any more, for XDEL, since the last call.
  std::vector<std::string> take_surplus() { return std::exchange(surplus_, {}); }

  /// All of the stream is about to be read, with a new connection: nothing is on its way any more.
  void begin_load();
  /// An entry of it is what this node published before the connection was lost: what it published later comes behind.
  void found_own(const EntryId& entry, std::uint64_t place);
  struct Missing {
    realm::PublicationRef publication;
    std::uint64_t place = 0;
  };
  /// It has been: what is retained here, and neither in the stream nor on its way there, the oldest first.
  std::vector<Missing> missing() const;
  bool is_missing(wamp::PublicationId id) const;

  std::size_t size() const { return known_.size(); }

 private:
  struct Known {
    realm::PublicationRef publication;
    unsigned shard = kNoShard;
    std::string entry;  // in the stream; empty if it is not there
    bool under_way = false;
  };
  void keep(const realm::PublicationRef& publication, unsigned shard, std::string entry);

  realm::RetainedEvents events_;
  tsl::robin_map<wamp::PublicationId, Known, base::NumberHash> known_;  // what events_ has
  std::deque<News> sent_;                                               // not come back, oldest first
  std::uint64_t last_own_ = 0;                                          // place of what found_own() was told of
  std::vector<std::string> surplus_;
  std::vector<realm::PublicationRef> dropped_;
};

/// What nodes say to each other of an entry: "<entry> <place> <topic> <text>", as the script of
/// docs/cluster.md does. The views point into `message`. False if it is something else.
bool read_retained(std::string_view message, EntryId& entry, std::uint64_t& place, std::string_view& topic,
                   std::string_view& text);
/// The place that an entry's field says it has; false if it is none. An empty text is 0.
bool read_place(std::string_view text, std::uint64_t& place);

}  // namespace crosspoint::cluster
