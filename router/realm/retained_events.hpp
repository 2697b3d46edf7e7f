#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "realm/shard_message.hpp"
#include "wamp/uri.hpp"

namespace crosspoint::realm {

/// The events that publishers asked to have retained ("Event Retention", advanced profile): of each topic the newest
/// one for everybody, and those for a part of the receivers that came after it. Every shard has a copy of its own, made
/// of shared publications; which of two publications is the newer one says Publication::retained, so that the copies
/// come out the same in whatever order publications of different shards arrive.
///
/// In a realm that is shared with other nodes a publication of this node has a provisional place until the nodes have
/// agreed on one: it counts as newer than all that have a place, but does not replace them, since it may turn out to be
/// older. When it comes again it takes its new place. Belongs to its shard's thread.
class RetainedEvents {
 public:
  struct Limits {
    std::size_t events = 10000;
    std::size_t bytes = 64 * 1024 * 1024;  ///< of topics, payloads and receiver lists
  };
  /// Events of one topic: one for everybody and 15 for a part of the receivers; the oldest of those go first.
  static constexpr std::size_t kMostPerTopic = 16;
  /// Is set in a place (Publication::retained) that is provisional.
  static constexpr std::uint64_t kProvisional = std::uint64_t{1} << 63;

  explicit RetainedEvents(const Limits& limits) : limits_(limits) {}

  /// Keeps a publication whose `retained` is set. When a limit is reached the oldest events go, of whatever topic.
  /// What is not kept (any more) is added to `dropped`: it may be this publication.
  void keep(const PublicationRef& publication, std::vector<PublicationRef>* dropped = nullptr);

  /// The newest event that `receiver` may see of each topic that matches, in the order of their publication.
  std::vector<PublicationRef> find(std::string_view uri, wamp::Match match, const Identity& receiver) const;

  std::size_t size() const { return by_age_.size(); }
  std::size_t bytes() const { return bytes_; }

 private:
  // Oldest first, those with provisional places last. Of either kind only the first may be for everybody.
  using Events = std::vector<PublicationRef>;
  // Ties, which different nodes may make, are broken by the id, so that all decide alike.
  using Place = std::pair<std::uint64_t, wamp::PublicationId>;
  using Topics = std::map<std::string, Events, std::less<>>;

  using Dropped = std::vector<PublicationRef>*;

  static Place place_of(const Publication& publication) { return {publication.retained, publication.id}; }
  void drop(Events& events, std::size_t index, Dropped dropped);
  void drop_topic(std::string_view topic, Dropped dropped);
  bool insert(Events& events, std::string_view topic, const PublicationRef& publication, Dropped dropped);

  Limits limits_;
  Topics topics_;
  std::map<Place, std::string_view> by_age_;  // topics (keys of topics_)
  std::size_t bytes_ = 0;
};

}  // namespace crosspoint::realm
