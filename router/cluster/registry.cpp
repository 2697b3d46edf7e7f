#include "cluster/registry.hpp"

#include <algorithm>

namespace crosspoint::cluster {

Registry::Group& Registry::insert(const Key& key, Entry entry) {
  places_.emplace(Place(entry.owner, entry.claim.number), key);
  Group& group = groups_[key];
  const auto rank = [](const Entry& e) { return std::tie(e.order, e.owner, e.claim.number); };
  const auto at =
      std::find_if(group.begin(), group.end(), [&](const Held& other) { return rank(entry) < rank(other.entry); });
  group.insert(at, Held{std::move(entry)});
  return group;
}

void Registry::judge(Group& group, Changes& changes) {
  if (group.empty()) return;
  const wamp::InvocationPolicy policy = group.front().entry.claim.invoke;
  Changes added;
  for (Held& held : group) {
    const bool shares = policy != wamp::InvocationPolicy::single && held.entry.claim.invoke == policy;
    const bool good = &held == &group.front() || shares;
    if (good == held.good) continue;
    held.good = good;
    (good ? added : changes).push_back({good ? Effect::added : Effect::displaced, held.entry, {}});
  }
  changes.insert(changes.end(), added.begin(), added.end());
}

void Registry::claim(Entry entry, Changes& changes) {
  if (places_.contains({entry.owner, entry.claim.number})) return;
  const Key key{entry.realm, entry.claim.match, entry.claim.uri};
  if (const auto at = groups_.find(key); at != groups_.end() && entry.claim.force) {
    for (const Held& held : at->second) {
      if (held.good) changes.push_back({Effect::displaced, held.entry, {}});
      places_.erase({held.entry.owner, held.entry.claim.number});
    }
    groups_.erase(at);
  } else if (at != groups_.end()) {
    const wamp::InvocationPolicy policy = at->second.front().entry.claim.invoke;
    if (policy == wamp::InvocationPolicy::single) {
      return changes.push_back({Effect::exists, std::move(entry), policy});
    }
    if (policy != entry.claim.invoke) return changes.push_back({Effect::other_policy, std::move(entry), policy});
  }
  judge(insert(key, std::move(entry)), changes);
}

void Registry::have(Entry entry, Changes& changes) {
  if (const auto at = places_.find({entry.owner, entry.claim.number}); at != places_.end()) {
    for (Held& held : groups_[at->second]) {
      if (held.entry.owner == entry.owner && held.entry.claim.number == entry.claim.number) held.named = true;
    }
    return;
  }
  const Key key{entry.realm, entry.claim.match, entry.claim.uri};
  judge(insert(key, std::move(entry)), changes);
}

void Registry::remove(const Place& place, Changes& changes) {
  const auto at = places_.find(place);
  if (at == places_.end()) return;
  const auto group = groups_.find(at->second);
  places_.erase(at);
  auto& held = group->second;
  const auto is_it = [&](const Held& other) {
    return other.entry.owner == place.first && other.entry.claim.number == place.second;
  };
  const auto found = std::find_if(held.begin(), held.end(), is_it);
  if (found->good) changes.push_back({Effect::removed, found->entry, {}});
  held.erase(found);
  judge(held, changes);
  if (held.empty()) groups_.erase(group);
}

void Registry::release(std::string_view owner, std::uint64_t number, Changes& changes) {
  remove({std::string(owner), number}, changes);
}

std::vector<Registry::Place> Registry::places_of(std::string_view owner) const {
  std::vector<Place> places;
  for (auto at = places_.lower_bound({std::string(owner), 0}); at != places_.end() && at->first.first == owner; ++at) {
    places.push_back(at->first);
  }
  return places;
}

void Registry::begin(std::string_view owner) {
  for (const Place& place : places_of(owner)) {
    for (Held& held : groups_[places_[place]]) {
      if (held.entry.owner == owner) held.named = false;
    }
  }
}

void Registry::end(std::string_view owner, Changes& changes) {
  for (const Place& place : places_of(owner)) {
    const Group& group = groups_[places_[place]];
    const bool named = std::any_of(group.begin(), group.end(), [&](const Held& held) {
      return held.named && held.entry.owner == owner && held.entry.claim.number == place.second;
    });
    if (!named) remove(place, changes);
  }
}

void Registry::drop(std::string_view owner, Changes& changes) {
  for (const Place& place : places_of(owner)) remove(place, changes);
}

void Registry::drop_others(std::string_view owner, Changes& changes) {
  std::vector<Place> others;
  for (const auto& [place, key] : places_) {
    if (place.first != owner) others.push_back(place);
  }
  for (const Place& place : others) remove(place, changes);
}

std::vector<Registry::Entry> Registry::of(std::string_view owner) const {
  std::vector<Entry> entries;
  for (const Place& place : places_of(owner)) {
    for (const Held& held : groups_.at(places_.at(place))) {
      if (held.good && held.entry.owner == owner && held.entry.claim.number == place.second) {
        entries.push_back(held.entry);
      }
    }
  }
  return entries;
}

}  // namespace crosspoint::cluster
