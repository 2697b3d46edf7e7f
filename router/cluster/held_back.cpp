#include "cluster/held_back.hpp"

#include <utility>

namespace crosspoint::cluster {

bool HeldBack::hold(std::string_view topic, Event&& event) {
  const auto at = topics_.find(topic);
  if (at == topics_.end()) return false;
  at.value().back().push_back(std::move(event));
  return true;
}

std::vector<HeldBack::Event> HeldBack::end(std::string_view topic) {
  const auto at = topics_.find(topic);
  if (at == topics_.end()) return {};
  std::vector<Event> next = std::move(at.value().front());
  at.value().pop_front();
  if (at->second.empty()) topics_.erase(at);
  return next;
}

std::size_t HeldBack::clear(std::size_t& bytes) {
  std::size_t count = 0;
  for (const auto& [topic, waiting] : topics_) {
    for (const auto& events : waiting) {
      for (const Event& event : events) {
        ++count;
        bytes += event.bytes;
      }
    }
  }
  topics_.clear();
  return count;
}

}  // namespace crosspoint::cluster
