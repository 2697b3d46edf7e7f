#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "realm/cluster_port.hpp"

namespace crosspoint::cluster {

/// The registrations of all nodes, as Redis has put them in order. Each node keeps one, and all of them hear the same
/// claims in the same order, so that all find the same ones good without having to agree on anything else. No I/O and
/// no clock. Belongs to one thread.
class Registry {
 public:
  /// A session that serves a procedure (or a pattern of them), or wants to.
  struct Entry {
    std::string owner;  ///< the address of its node
    std::string realm;
    std::uint64_t order = 0;  ///< when Redis had it, in microseconds
    realm::Claim claim;
  };
  enum class Effect {
    added,
    removed,       ///< its owner has given it up, or is gone
    displaced,     ///< a claim with `force` has taken its place, or an older one that had not been heard of
    exists,        ///< refused: somebody has it for himself
    other_policy,  ///< refused: those who have it share it in another way
    lost,          ///< Redis has not taken the claim (not said by Registry)
  };
  struct Change {
    Effect effect{};
    Entry entry;
    wamp::InvocationPolicy existing{};  ///< of those who have it, if the effect is `other_policy`
  };
  using Changes = std::vector<Change>;

  /// A node wants a registration.
  void claim(Entry entry, Changes& changes);
  /// A node says what it has. Of entries that do not go together (the nodes had not heard of each other) the older one
  /// counts.
  void have(Entry entry, Changes& changes);
  void release(std::string_view owner, std::uint64_t number, Changes& changes);
  /// `owner` is going to say all it has, from now until end().
  void begin(std::string_view owner);
  /// What it had, and has not named since begin(), is gone.
  void end(std::string_view owner, Changes& changes);
  /// A node is gone.
  void drop(std::string_view owner, Changes& changes);
  /// All nodes but one are.
  void drop_others(std::string_view owner, Changes& changes);

  /// What `owner` has.
  std::vector<Entry> of(std::string_view owner) const;
  bool contains(std::string_view owner, std::uint64_t number) const {
    return places_.contains({std::string(owner), number});
  }
  std::size_t size() const { return places_.size(); }

 private:
  using Key = std::tuple<std::string, wamp::Match, std::string>;  // realm, policy, URI
  using Place = std::pair<std::string, std::uint64_t>;            // owner, number
  struct Held {
    Entry entry;
    bool good = false;
    bool named = true;  // since begin()
  };
  using Group = std::vector<Held>;  // by order

  Group& insert(const Key& key, Entry entry);
  static void judge(Group& group, Changes& changes);
  void remove(const Place& place, Changes& changes);
  std::vector<Place> places_of(std::string_view owner) const;

  std::map<Key, Group> groups_;
  std::map<Place, Key> places_;
};

}  // namespace crosspoint::cluster
