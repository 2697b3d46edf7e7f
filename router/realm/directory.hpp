#pragma once

#include <tsl/robin_map.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <shared_mutex>
#include <string_view>
#include <vector>

#include "realm/meta_order.hpp"
#include "realm/pattern_index.hpp"
#include "realm/registration.hpp"
#include "realm/session.hpp"
#include "realm/subscription.hpp"
#include "realm/version_stamps.hpp"

/// What all shards of a realm share: which subscriptions and registrations there are, and which sessions. Every
/// function may be called from any thread. Writes are rare (the first and last member a shard has on a subscription, a
/// callee that comes or goes, a session that joins or leaves); readers keep what they found together with a version
/// stamp and come back only when the stamp has changed. The lock of each part is held for the look-up alone, and no
/// function takes two of them.
namespace crosspoint::realm {

class SubscriptionDirectory {
 public:
  struct Joined {
    SubscriptionRef subscription;
    bool created = false;  ///< nobody was subscribed before
  };
  /// Ids are to be the same on all nodes of a cluster. Before the threads start, and before there are any.
  void share_ids() { shared_ids_ = true; }
  /// Makes `shard` one of the shards with members, creating the subscription if there is none. `witness`, here and
  /// below, is called when it has happened, before anybody can change or see it.
  Joined join(
      std::string_view uri, wamp::Match match, unsigned shard,
      const std::function<std::string()>& now = [] { return std::string(); },
      const std::function<void(const Joined&)>& witness = [](const Joined&) {});
  /// Makes a subscription whose events `log` keeps. Before the threads start only. nullptr if there is one already.
  SubscriptionRef add_logged(std::string_view uri, wamp::Match match, EventLog& log, std::string created);
  /// `shard` has no more members. Returns true if the subscription is gone with them.
  /// Then `witness` is called.
  bool leave(
      const SubscriptionRef& subscription, unsigned shard, const std::function<void()>& witness = [] {});

  /// Makes a subscription ready. Returns it, with `shards` as it was at that moment: those that join later find it
  /// ready. nullptr if the one with that serial is gone.
  SubscriptionRef confirm(wamp::SubscriptionId id, std::uint64_t serial, std::uint64_t& shards);

  /// Replaces `out` by the subscriptions that match a topic.
  void match(std::string_view topic, std::vector<SubscriptionRef>& out) const;
  std::uint64_t version(std::string_view topic) const { return versions_.of(topic); }

  /// nullptr if there is none.
  SubscriptionRef get(wamp::SubscriptionId id) const;
  SubscriptionRef find(std::string_view uri, wamp::Match match) const;
  /// All there are, in the order of their ids.
  std::vector<SubscriptionRef> list() const;

 private:
  SubscriptionRef make(std::string_view uri, wamp::Match match, std::string created);

  bool shared_ids_ = false;
  mutable std::shared_mutex mutex_;
  PatternIndex<SubscriptionRef> index_;                          // guarded by mutex_
  tsl::robin_map<wamp::SubscriptionId, SubscriptionRef> by_id_;  // guarded by mutex_
  std::uint64_t last_serial_ = 0;                                // guarded by mutex_
  VersionStamps versions_;
};

class RegistrationDirectory {
 public:
  enum class Outcome { registered, already_exists, policy_conflict };
  /// As SubscriptionDirectory::share_ids. A registration that is made again has the same id again.
  void share_ids() { shared_ids_ = true; }
  struct Added {
    Outcome outcome = Outcome::registered;
    RegistrationRef registration;  ///< the one that exists, whatever the outcome
    bool created = false;
    bool first_here = false;  ///< this node had no callee of it
    bool new_callee = false;
  };
  Added add(
      std::string_view uri, wamp::Match match, wamp::InvocationPolicy invoke, const Callee& callee,
      const std::function<std::string()>& now = [] { return std::string(); },
      const std::function<void(const Added&)>& witness = [](const Added&) {});
  /// Takes a registration from all its callees, to make room for another one. Nothing in it if there is none.
  RegistrationView take(
      std::string_view uri, wamp::Match match,
      const std::function<void(const RegistrationView&)>& witness = [](const RegistrationView&) {});
  /// `last`: the registration is gone with it. `last_here`: this node has no callee of it any more, but others have.
  /// `none`: it was no callee (any more).
  enum class Removal { none, one, last_here, last };
  Removal remove(
      const RegistrationRef& registration, const SessionKey& callee,
      const std::function<void(Removal)>& witness = [](Removal) {});

  /// The registration a call goes to; no registration in it if there is none.
  RegistrationView best_match(std::string_view procedure) const;
  std::uint64_t version(std::string_view procedure) const { return versions_.of(procedure); }

  /// Nothing in it if there is no such registration.
  RegistrationView get(wamp::RegistrationId id) const;
  /// Likewise if it is gone, even if there is another one of its id.
  RegistrationView get(const Registration& registration) const;
  RegistrationView find(std::string_view uri, wamp::Match match) const;
  /// All there are, in the order of their ids.
  std::vector<RegistrationView> list() const;

 private:
  RegistrationRef make(std::string_view uri, wamp::Match match, wamp::InvocationPolicy invoke, std::string created);

  bool shared_ids_ = false;
  mutable std::shared_mutex mutex_;
  PatternIndex<RegistrationRef> index_;  // guarded by mutex_, and so are the callees of each registration
  tsl::robin_map<wamp::RegistrationId, RegistrationRef> by_id_;  // guarded by mutex_
  wamp::RegistrationId last_serial_ = 0;                         // guarded by mutex_
  VersionStamps versions_;
};

class SessionDirectory {
 public:
  struct Entry {
    SessionKey key;
    std::shared_ptr<const Identity> identity;
  };

  /// False if the id is taken.
  bool add(wamp::SessionId id, Entry entry);
  void remove(wamp::SessionId id);
  std::size_t size() const;
  /// No identity in it if there is no such session.
  Entry find(wamp::SessionId id) const;
  /// All there are, in the order of their ids.
  std::vector<Entry> list() const;

 private:
  mutable std::shared_mutex mutex_;
  tsl::robin_map<wamp::SessionId, Entry, base::NumberHash> sessions_;  // guarded by mutex_
};

class ClusterPort;
class EventJournal;
class SharedHistory;

/// The shard that has history keep meta events.
inline constexpr unsigned kHistoryShard = 0;

struct Directory {
  explicit Directory(unsigned shards)
      : all_shards(shards < 64 ? (std::uint64_t{1} << shards) - 1 : ~std::uint64_t{0}) {}

  const std::uint64_t all_shards;  ///< a bit for each
  std::atomic<std::uint64_t> last_retained{0};
  bool keeps_history = false;               ///< set before the threads start
  EventJournal* journal = nullptr;          ///< likewise; what writes the history, if it is to survive
  SharedHistory* shared_history = nullptr;  ///< likewise; what keeps it for all nodes, in place of the logs
  ClusterPort* cluster = nullptr;           ///< likewise; what joins the realm to that of other nodes
  MetaOrder meta_order;
  SubscriptionDirectory subscriptions;
  RegistrationDirectory registrations;
  SessionDirectory sessions;
};

}  // namespace crosspoint::realm
