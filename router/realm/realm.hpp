#pragma once

#include <tsl/robin_map.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.hpp"
#include "realm/directory.hpp"
#include "realm/event_log.hpp"
#include "realm/role.hpp"
#include "realm/shard.hpp"
#include "wamp/uri.hpp"

namespace crosspoint::realm {

/// A routing domain: sessions of one realm never see those of another. Roles and options are fixed before the threads
/// start; what changes later is in the directory (shared, locked) and in the shards (one per thread).
class Realm {
 public:
  /// `shards`: how many threads serve it, 1 to 64. `seed` makes ids; equal seeds give equal ids.
  Realm(std::string name, RealmOptions options, unsigned shards, std::uint64_t seed);
  Realm(const Realm&) = delete;
  Realm& operator=(const Realm&) = delete;

  /// Before the first session only. Returns false if the realm has a role of that name.
  bool add_role(std::string name, std::unique_ptr<const Authorizer> rules);
  /// The same for a role with a dynamic authorizer, given as the procedure that decides.
  bool add_dynamic_role(std::string name, std::string authorizer, wamp::TrustLevel trustlevel = wamp::kNoTrustLevel);

  /// Keeps the last events of a topic or pattern ("Event History"). Before the first session only. nullptr if it does
  /// so already.
  EventLog* add_history(std::string_view uri, wamp::Match match, const EventLog::Limits& limits);
  /// Has the history written where it survives; `journal` must live as long as the threads run. Before the first
  /// session.
  void set_journal(EventJournal& journal) { directory_.journal = &journal; }

  /// Has the history kept elsewhere, for all nodes; likewise.
  void set_shared_history(SharedHistory& history) { directory_.shared_history = &history; }

  /// Joins it to the realm of the same name on other nodes; likewise.
  void set_cluster(ClusterPort& cluster);

  const std::string& name() const { return name_; }
  const RealmOptions& options() const { return options_; }
  /// nullptr if there is none. `trusted` and `anonymous` are always there; the latter may do nothing unless defined.
  const Role* find_role(std::string_view name) const;
  Directory& directory() { return directory_; }
  Shard& shard(unsigned index) { return *shards_[index]; }
  unsigned shard_count() const { return static_cast<unsigned>(shards_.size()); }

 private:
  bool add(std::unique_ptr<const Role> role);

  std::string name_;
  RealmOptions options_;
  tsl::robin_map<std::string, std::unique_ptr<const Role>, base::StringHash, std::equal_to<>> roles_;
  Directory directory_;
  std::vector<std::unique_ptr<EventLog>> logs_;
  std::vector<std::unique_ptr<Shard>> shards_;
};

}  // namespace crosspoint::realm
