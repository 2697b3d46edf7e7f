#include "realm/retained_events.hpp"

#include <algorithm>

namespace crosspoint::realm {
namespace {

std::size_t cost(const Publication& publication) {
  static constexpr std::size_t kFixed = 256;  // the publication itself and its places here
  return kFixed + publication.topic.size() + publication.payload.bytes.size() +
         (publication.filter ? publication.filter->size() : 0);
}

}  // namespace

void RetainedEvents::drop(Events& events, std::size_t index) {
  const auto at = events.begin() + static_cast<std::ptrdiff_t>(index);
  bytes_ -= cost(**at);
  by_age_.erase((*at)->retained);
  events.erase(at);
}

void RetainedEvents::drop_topic(std::string_view topic) {
  const auto at = topics_.find(topic);
  if (at == topics_.end()) return;
  while (!at->second.empty()) drop(at->second, at->second.size() - 1);
  topics_.erase(at);
}

void RetainedEvents::keep(const PublicationRef& publication) {
  const std::size_t bytes = cost(*publication);
  // One that does not fit at all is not retained, but what it replaces is out of date all the same.
  if (limits_.events == 0 || bytes > limits_.bytes) return drop_topic(publication->topic);
  const auto topic = topics_.try_emplace(publication->topic).first;
  Events& events = topic->second;
  if (!events.empty() && !events[0]->filter && events[0]->retained > publication->retained) return;  // came late
  const auto place =
      std::find_if(events.begin(), events.end(), [&](const auto& e) { return e->retained > publication->retained; });
  auto index = static_cast<std::size_t>(place - events.begin());
  events.insert(place, publication);
  bytes_ += bytes;
  by_age_.emplace(publication->retained, topic->first);
  if (!publication->filter) {
    for (; index > 0; --index) drop(events, 0);
  }
  if (events.size() > kMostPerTopic) drop(events, events[0]->filter ? 0 : 1);
  while (by_age_.size() > limits_.events || bytes_ > limits_.bytes) {
    const auto oldest = topics_.find(by_age_.begin()->second);
    drop(oldest->second, 0);
    if (oldest->second.empty()) topics_.erase(oldest);
  }
}

std::vector<PublicationRef> RetainedEvents::find(std::string_view uri, wamp::Match match,
                                                 const Identity& receiver) const {
  std::vector<PublicationRef> found;
  const auto add = [&](const Events& events) {
    const auto newest = std::find_if(events.rbegin(), events.rend(),
                                     [&](const auto& e) { return !e->filter || e->filter->admits(receiver); });
    if (newest != events.rend()) found.push_back(*newest);
  };
  if (match == wamp::Match::exact) {
    if (const auto at = topics_.find(uri); at != topics_.end()) add(at->second);
    return found;
  }
  // All that match begin with the pattern's start: the whole of a prefix, a wildcard pattern up to its first wildcard.
  std::string_view start = uri;
  if (match == wamp::Match::wildcard) {
    const std::size_t gap = uri.starts_with('.') ? 0 : uri.find("..");
    if (uri.empty() || gap == 0) {
      start = {};
    } else if (gap != std::string_view::npos) {
      start = uri.substr(0, gap + 1);
    }
  }
  for (auto at = topics_.lower_bound(start); at != topics_.end() && at->first.starts_with(start); ++at) {
    if (match == wamp::Match::prefix || wamp::matches_wildcard(uri, at->first)) add(at->second);
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a->retained < b->retained; });
  return found;
}

}  // namespace crosspoint::realm
