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

void RetainedEvents::drop(Events& events, std::size_t index, Dropped dropped) {
  const auto at = events.begin() + static_cast<std::ptrdiff_t>(index);
  bytes_ -= cost(**at);
  by_age_.erase(place_of(**at));
  if (dropped != nullptr) dropped->push_back(std::move(*at));
  events.erase(at);
}

void RetainedEvents::drop_topic(std::string_view topic, Dropped dropped) {
  const auto at = topics_.find(topic);
  if (at == topics_.end()) return;
  while (!at->second.empty()) drop(at->second, at->second.size() - 1, dropped);
  topics_.erase(at);
}

bool RetainedEvents::insert(Events& events, std::string_view topic, const PublicationRef& publication,
                            Dropped dropped) {
  const bool provisional = (publication->retained & kProvisional) != 0;
  const auto split =
      std::find_if(events.begin(), events.end(), [](const auto& e) { return (e->retained & kProvisional) != 0; });
  const auto begin = provisional ? split : events.begin();
  const auto end = provisional ? events.end() : split;
  const auto is_newer = [&](const auto& e) { return place_of(*e) > place_of(*publication); };
  if (begin != end && !(*begin)->filter && is_newer(*begin)) return false;  // came late
  const auto first = begin - events.begin();
  const auto place = std::find_if(begin, end, is_newer);
  auto older = place - begin;
  events.insert(place, publication);
  bytes_ += cost(*publication);
  by_age_.emplace(place_of(*publication), topic);
  if (publication->filter) return true;
  for (; older > 0; --older) drop(events, static_cast<std::size_t>(first), dropped);
  return true;
}

void RetainedEvents::keep(const PublicationRef& publication, std::vector<PublicationRef>* dropped) {
  // One that does not fit at all is not retained, but what it replaces is out of date all the same.
  if (limits_.events == 0 || cost(*publication) > limits_.bytes) {
    drop_topic(publication->topic, dropped);
    if (dropped != nullptr) dropped->push_back(publication);
    return;
  }
  const auto topic = topics_.try_emplace(publication->topic).first;
  Events& events = topic->second;
  const auto known =
      std::find_if(events.begin(), events.end(), [&](const auto& e) { return e->id == publication->id; });
  if (known != events.end()) drop(events, static_cast<std::size_t>(known - events.begin()), dropped);
  if (!insert(events, topic->first, publication, dropped) && dropped != nullptr) dropped->push_back(publication);
  if (events.size() > kMostPerTopic) {
    const auto oldest = std::find_if(events.begin(), events.end(), [](const auto& e) { return e->filter != nullptr; });
    drop(events, static_cast<std::size_t>(oldest - events.begin()), dropped);
  }
  while (by_age_.size() > limits_.events || bytes_ > limits_.bytes) {
    const auto oldest = topics_.find(by_age_.begin()->second);
    drop(oldest->second, 0, dropped);
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
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return place_of(*a) < place_of(*b); });
  return found;
}

}  // namespace crosspoint::realm
