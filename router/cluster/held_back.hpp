#pragma once

#include <tsl/robin_map.h>

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.hpp"

namespace crosspoint::cluster {

/// In a Redis Cluster an event that is to be retained goes to the home master first, and from there to the master of
/// its topic. Holds back what is published to the topic meanwhile, so that events stay in order. No I/O. Belongs to one
/// thread.
class HeldBack {
 public:
  struct Event {
    std::string text;
    std::size_t bytes = 0;
  };

  /// One more event of a topic is on its way to the home master.
  void begin(const std::string& topic) { topics_[topic].emplace_back(); }
  /// Whether an event is behind such a one; `event` is taken then.
  bool hold(std::string_view topic, Event&& event);
  /// The first such event is on its way to the topic's master, or was refused: what is to follow it.
  std::vector<Event> end(std::string_view topic);
  /// Gives all up: how many, and their bytes.
  std::size_t clear(std::size_t& bytes);

  bool empty() const { return topics_.empty(); }

 private:
  tsl::robin_map<std::string, std::deque<std::vector<Event>>, base::StringHash, std::equal_to<>> topics_;
};

}  // namespace crosspoint::cluster
