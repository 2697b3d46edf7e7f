#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "base/random.hpp"
#include "realm/session_key.hpp"

namespace crosspoint::realm {

struct Callee;
struct Registration;

/// How many invocations a callee of one registration takes at a time (REGISTER.Options.concurrency).
struct Slots {
  unsigned limit = 0;
  std::size_t most_queued = 0;  ///< calls that may wait when all callees are busy
  unsigned used = 0;            ///< guarded by the CallQueue of the registration
};

/// The calls of one registration that wait because all its callees are busy, and the slots of the callees. Shared by
/// all threads; every function may be called from any of them. What waits is a turn of a session, not a certain call:
/// the session keeps its waiting calls itself and starts the oldest when it gets a turn, so that their order is kept.
class CallQueue {
 public:
  enum class Admission { start, queued, full, closed };
  /// Who waits: a session of this node, for any callee; or, with a handle, a call of another node, for the callee that
  /// it was sent to.
  struct Waiter {
    SessionKey caller;
    SessionKey callee{};
    std::uint64_t handle = 0;
  };

  /// A callee with a limit has registered. Under the directory's lock.
  void limit(std::size_t most_queued);
  /// False as long as no callee has set a limit: calls need not ask then.
  bool limited() const { return limited_.load(std::memory_order_acquire); }

  /// A call: it may start at `callee`, one of whose slots it has; or waits. `behind`: the session has calls waiting
  /// already, which it must not overtake.
  Admission admit(const Registration& registration, const std::vector<Callee>& callees, const SessionKey& caller,
                  bool behind, base::Random& random, Callee& callee);
  /// The same for a call of another node. `waits`: it may wait.
  Admission admit(const Callee& callee, std::uint64_t handle, bool waits);
  /// Takes a slot of one callee; false if all of them are taken.
  bool take(const Callee& callee);
  /// The next turn, if somebody waits and a callee is free: of those that have one, the oldest.
  bool next(const Registration& registration, const std::vector<Callee>& callees, base::Random& random, Waiter& who,
            Callee& callee);
  /// A session's turn has come to nothing, since the callee left: it has the next one. False if the queue is closed.
  bool put_back(const SessionKey& caller);
  /// An invocation has ended.
  void release(Slots& slots);
  /// One of a session's turns is not wanted any more. It may be on its way to the session already.
  void withdraw(const SessionKey& caller);
  /// Likewise for a call of another node.
  void withdraw(std::uint64_t handle);
  /// A callee is gone: the calls of other nodes that wait for it.
  std::vector<Waiter> drop(const SessionKey& callee);
  /// The registration is gone: nobody can wait here any more. Who did.
  std::deque<Waiter> close();

 private:
  std::atomic<bool> limited_{false};
  std::mutex mutex_;
  std::size_t most_ = 0;  // guarded by mutex_, as what follows
  bool closed_ = false;
  std::deque<Waiter> waiting_;  // the oldest first
};

}  // namespace crosspoint::realm
