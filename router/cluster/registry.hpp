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
/// claims in the same order, so that they find the same ones good. What the owner of a claim finds is what counts: it
/// says so at once, and others, which may not have heard of everything, follow it. No I/O and no clock. Belongs to one
/// thread.
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

  /// A node wants a registration. `own`: this one, which says then what has come of it.
  void claim(Entry entry, bool own, Changes& changes);
  /// A node says what it has, or that a claim of its has been good. Of entries that do not go together (the nodes had
  /// not heard of each other) the older one counts.
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
    bool named = true;      // since begin()
    bool doubtful = false;  // it was not good when it came, as far as is known here; its owner has not spoken
  };
  using Group = std::vector<Held>;  // by order

  Group& insert(const Key& key, Entry entry, bool doubtful = false);
  Held* find(const Place& place);
  static void judge(Group& group, Changes& changes);
  void remove(const Place& place, Changes& changes);
  std::vector<Place> places_of(std::string_view owner) const;

  std::map<Key, Group> groups_;
  std::map<Place, Key> places_;
};

}  // namespace crosspoint::cluster
