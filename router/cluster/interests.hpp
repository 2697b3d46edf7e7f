#pragma once

#include <tsl/robin_map.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.hpp"
#include "wamp/ids.hpp"

namespace crosspoint::cluster {

/// Which channels and patterns of Redis the sessions of this node want to hear, and which subscriptions wait until
/// Redis has confirmed them. A name may be asked for by several commands, on several connections. No I/O: says what is
/// to be asked of Redis, and is told what has been, and what Redis has answered. Belongs to one thread.
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
  /// Redis is being asked for `name`, which want() or connected() wants, by one more command, on a connection of this
  /// number.
  void asked(const Name& name, std::size_t connection = 0);

  /// There are connections, on which nothing has been asked. All that Redis is to be asked for, in this order.
  std::vector<Name> connected();
  /// Redis has confirmed the first command on a connection that it had not confirmed: those that need not wait any
  /// more.
  Waiters confirmed(std::size_t connection = 0);
  /// The connections are lost: those that waited.
  Waiters disconnected();

  bool is_connected() const { return connected_; }
  /// Commands that Redis has not confirmed.
  std::size_t unconfirmed() const;
  /// Those of them that are for what connected() has returned.
  std::size_t unconfirmed_first() const { return first_; }
  std::size_t size() const { return names_.size(); }

 private:
  struct Hash {
    std::size_t operator()(const Name& name) const { return base::StringHash()(name.text) + (name.pattern ? 1 : 0); }
  };
  struct Asked {
    Waiters waiters;
    std::size_t commands = 0;  // that Redis has not confirmed
    bool first = false;        // connected() has returned it
  };
  struct Wanted {
    std::size_t count = 0;         // how many want it
    std::shared_ptr<Asked> asked;  // with this connection
  };

  bool connected_ = false;
  tsl::robin_map<Name, Wanted, Hash> names_;
  std::map<std::size_t, std::deque<std::shared_ptr<Asked>>> asked_;  // by connection, oldest first
  std::size_t first_ = 0;
};

}  // namespace crosspoint::cluster
