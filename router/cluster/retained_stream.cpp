#include "cluster/retained_stream.hpp"

#include <algorithm>
#include <charconv>

#include "realm/cluster_port.hpp"

namespace crosspoint::cluster {

using realm::PublicationRef;
using realm::RetainedEvents;

void RetainedStream::publish(const PublicationRef& publication, unsigned shard) { keep(publication, shard, {}); }

void RetainedStream::keep(const PublicationRef& publication, unsigned shard, std::string entry) {
  const wamp::PublicationId id = publication->id;
  if (const auto at = known_.find(id); at != known_.end() && !at->second.entry.empty()) {
    surplus_.push_back(at->second.entry);
  }
  known_[id] = {publication, shard, std::move(entry), false};
  events_.keep(publication, &dropped_);
  for (const PublicationRef& gone : dropped_) {
    const auto at = known_.find(gone->id);
    if (at == known_.end() || at->second.publication != gone) continue;  // it is there with another place
    if (!at->second.entry.empty()) surplus_.push_back(at->second.entry);
    known_.erase(at);
  }
  dropped_.clear();
}

void RetainedStream::sent(const PublicationRef& publication, unsigned shard) {
  const auto at = known_.find(publication->id);
  if (at != known_.end()) {
    at.value().under_way = true;
    shard = at->second.shard;
  }
  sent_.push_back({publication, shard});
}

std::optional<RetainedStream::News> RetainedStream::returned(wamp::PublicationId id) {
  const auto at =
      std::find_if(sent_.begin(), sent_.end(), [&](const News& news) { return news.publication->id == id; });
  if (at == sent_.end()) return std::nullopt;
  News news = std::move(*at);
  sent_.erase(sent_.begin(), at + 1);  // what was sent before it, and has not come, was refused
  return news;
}

std::uint64_t RetainedStream::place_of(const EntryId& entry, std::uint64_t place) {
  return place != 0 ? place : realm::retained_place(entry.time, entry.number);
}

std::optional<RetainedStream::News> RetainedStream::add(const EntryId& entry, std::uint64_t place,
                                                        PublicationRef publication, unsigned shard) {
  place = place_of(entry, place);
  const auto at = known_.find(publication->id);
  if (at != known_.end()) {
    Known& known = at.value();
    if (known.publication->retained == place) {
      known.under_way = false;
      if (known.entry.empty()) {
        known.entry = entry.text();
      } else if (known.entry != entry.text()) {
        surplus_.push_back(entry.text());  // two nodes have put it there
      }
      return std::nullopt;
    }
    publication = known.publication;  // it knows more than the text
    shard = known.shard;
  }
  auto placed = std::make_shared<realm::Publication>(*publication);
  placed->retained = place;
  keep(placed, shard, entry.text());
  return News{std::move(placed), shard};
}

void RetainedStream::begin_load() {
  last_own_ = 0;
  sent_.clear();
  for (auto at = known_.begin(); at != known_.end(); ++at) {
    at.value().entry.clear();
    at.value().under_way = false;
  }
}

bool RetainedStream::is_missing(wamp::PublicationId id) const {
  const auto at = known_.find(id);
  return at != known_.end() && at->second.entry.empty() && !at->second.under_way;
}

void RetainedStream::found_own(const EntryId& entry, std::uint64_t place) {
  last_own_ = std::max(last_own_, place_of(entry, place));
}

std::vector<RetainedStream::Missing> RetainedStream::missing() const {
  std::vector<Missing> found;
  for (const auto& [id, known] : known_) {
    if (!is_missing(id)) continue;
    found.push_back({known.publication, known.publication->retained & ~RetainedEvents::kProvisional});
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.place < b.place; });
  std::uint64_t last = last_own_;
  for (Missing& each : found) {
    if ((each.publication->retained & RetainedEvents::kProvisional) == 0) continue;
    each.place = last = std::max(each.place, last + 1);
  }
  return found;
}

bool read_place(std::string_view text, std::uint64_t& place) {
  place = 0;
  if (text.empty()) return true;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), place);
  return error == std::errc() && end == text.data() + text.size() && (place & RetainedEvents::kProvisional) == 0;
}

bool read_retained(std::string_view message, EntryId& entry, std::uint64_t& place, std::string_view& topic,
                   std::string_view& text) {
  const auto take_word = [&](std::string_view& word) {
    const std::size_t end = message.find(' ');
    if (end == std::string_view::npos) return false;
    word = message.substr(0, end);
    message.remove_prefix(end + 1);
    return true;
  };
  std::string_view id;
  std::string_view where;
  if (!take_word(id) || !take_word(where) || !take_word(topic)) return false;
  text = message;
  return EntryId::read(id, entry) && read_place(where, place);
}

}  // namespace crosspoint::cluster
