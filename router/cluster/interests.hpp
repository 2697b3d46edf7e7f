#pragma once

#include <tsl/robin_map.h>

#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.hpp"
#include "wamp/ids.hpp"

namespace crosspoint::cluster {

/// Which channels and patterns of Redis the sessions of this node want to hear, and which subscriptions wait until
/// Redis has confirmed them. No I/O: says what is to be asked of Redis, and is told what Redis has answered. Belongs to
/// one thread.
class Interests {
 public:
  struct Name {
    std::string text;
    bool pattern = false;

    friend bool operator==(const Name&, const Name&) = default;
  };
  /// A subscription that waits.
  struct Waiter {
    std::size_t realm = 0;  ///< the owner's number for it
    wamp::SubscriptionId subscription = 0;
    std::uint64_t serial = 0;

    friend bool operator==(const Waiter&, const Waiter&) = default;
  };
  using Waiters = std::vector<Waiter>;

  /// Somebody wants to hear `name`. True if Redis is to be asked for it now. Adds to `ready` if there is nothing to
  /// wait for: Redis sends it already, or is not there.
  bool want(const Name& name, const Waiter& waiter, Waiters& ready);
  /// One of those does not any more. True if Redis is to be told so.
  bool release(const Name& name);

  /// There is a connection, of which nothing has been asked. All that it is to be asked for, in this order.
  std::vector<Name> connected();
  /// Redis has confirmed the first thing that it was asked for and had not confirmed: those that waited for it.
  Waiters confirmed();
  /// The connection is lost: those that waited.
  Waiters disconnected();

  bool is_connected() const { return connected_; }
  /// What Redis has been asked for and has not confirmed.
  std::size_t unconfirmed() const { return asked_.size(); }
  std::size_t size() const { return names_.size(); }

 private:
  struct Hash {
    std::size_t operator()(const Name& name) const { return base::StringHash()(name.text) + (name.pattern ? 1 : 0); }
  };
  struct Asked {
    Name name;
    Waiters waiters;
  };

  bool connected_ = false;
  tsl::robin_map<Name, std::size_t, Hash> names_;  // how many want it
  std::deque<Asked> asked_;                        // oldest first
};

}  // namespace crosspoint::cluster
