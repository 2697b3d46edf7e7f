#include "cluster/registry.hpp"

#include <algorithm>

namespace crosspoint::cluster {

Registry::Group& Registry::insert(const Key& key, Entry entry, bool doubtful) {
  places_.emplace(Place(entry.owner, entry.claim.number), key);
  Group& group = groups_[key];
  const auto rank = [](const Entry& e) { return std::tie(e.order, e.owner, e.claim.number); };
  const auto at =
      std::find_if(group.begin(), group.end(), [&](const Held& other) { return rank(entry) < rank(other.entry); });
  group.insert(at, Held{std::move(entry), false, true, doubtful});
  return group;
}

void Registry::judge(Group& group, Changes& changes) {
  // A claim by force makes those before it void. Of the others the first one says how the procedure is shared.
  const auto counts = [](const Held& held) { return !held.doubtful; };
  const auto forced = std::find_if(group.rbegin(), group.rend(),
                                   [&](const Held& held) { return counts(held) && held.entry.claim.force; });
  const auto start = forced != group.rend() ? std::prev(forced.base()) : group.begin();
  const auto front = std::find_if(start, group.end(), counts);
  Changes added;
  for (auto at = group.begin(); at != group.end(); ++at) {
    const bool shares = front != group.end() && at > front && counts(*at) &&
                        front->entry.claim.invoke != wamp::InvocationPolicy::single &&
                        at->entry.claim.invoke == front->entry.claim.invoke;
    const bool good = shares || (at == front && front != group.end());
    if (good == at->good) continue;
    at->good = good;
    (good ? added : changes).push_back({good ? Effect::added : Effect::displaced, at->entry, {}});
  }
  changes.insert(changes.end(), added.begin(), added.end());
}

void Registry::claim(Entry entry, bool own, Changes& changes) {
  if (find({entry.owner, entry.claim.number}) != nullptr) return;
  const Key key{entry.realm, entry.claim.match, entry.claim.uri};
  const Group& group = groups_[key];
  const auto first = std::find_if(group.begin(), group.end(), [](const Held& held) { return held.good; });
  bool doubtful = false;
  if (first != group.end() && !entry.claim.force) {
    const wamp::InvocationPolicy policy = first->entry.claim.invoke;
    const bool exists = policy == wamp::InvocationPolicy::single;
    doubtful = exists || policy != entry.claim.invoke;
    if (doubtful && own) {
      return changes.push_back({exists ? Effect::exists : Effect::other_policy, std::move(entry), policy});
    }
  }
  judge(insert(key, std::move(entry), doubtful), changes);
}

Registry::Held* Registry::find(const Place& place) {
  const auto at = places_.find(place);
  if (at == places_.end()) return nullptr;
  for (Held& held : groups_[at->second]) {
    if (held.entry.owner == place.first && held.entry.claim.number == place.second) return &held;
  }
  return nullptr;
}

void Registry::have(Entry entry, Changes& changes) {
  const Key key{entry.realm, entry.claim.match, entry.claim.uri};
  if (Held* held = find({entry.owner, entry.claim.number})) {
    held->named = true;
    held->doubtful = false;
    return judge(groups_[key], changes);
  }
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
  for (const Place& place : places_of(owner)) find(place)->named = false;
}

void Registry::end(std::string_view owner, Changes& changes) {
  for (const Place& place : places_of(owner)) {
    if (!find(place)->named) remove(place, changes);
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
