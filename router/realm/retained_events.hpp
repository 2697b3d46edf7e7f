#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "realm/shard_message.hpp"
#include "wamp/uri.hpp"

namespace crosspoint::realm {

/// The events that publishers asked to have retained ("Event Retention", advanced profile): of each topic the newest
/// one for everybody, and those for a part of the receivers that came after it. Every shard has a copy of its own, made
/// of shared publications; which of two publications is the newer one says Publication::retained, so that the copies
/// come out the same in whatever order publications of different shards arrive. Belongs to its shard's thread.
class RetainedEvents {
 public:
  struct Limits {
    std::size_t events = 10000;
    std::size_t bytes = 64 * 1024 * 1024;  ///< of topics, payloads and receiver lists
  };
  /// Events of one topic: one for everybody and 15 for a part of the receivers; the oldest of those go first.
  static constexpr std::size_t kMostPerTopic = 16;

  explicit RetainedEvents(const Limits& limits) : limits_(limits) {}

  /// Keeps a publication whose `retained` is set. When a limit is reached the oldest events go, of whatever topic.
  void keep(const PublicationRef& publication);

  /// The newest event that `receiver` may see of each topic that matches, in the order of their publication.
  std::vector<PublicationRef> find(std::string_view uri, wamp::Match match, const Identity& receiver) const;

  std::size_t size() const { return by_age_.size(); }
  std::size_t bytes() const { return bytes_; }

 private:
  using Events = std::vector<PublicationRef>;  // oldest first; only the first may be for everybody
  using Topics = std::map<std::string, Events, std::less<>>;

  void drop(Events& events, std::size_t index);
  void drop_topic(std::string_view topic);

  Limits limits_;
  Topics topics_;
  std::map<std::uint64_t, std::string_view> by_age_;  // topics (keys of topics_) by Publication::retained
  std::size_t bytes_ = 0;
};

}  // namespace crosspoint::realm
