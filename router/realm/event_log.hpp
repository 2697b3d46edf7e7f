#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <vector>

#include "realm/shard_message.hpp"

namespace crosspoint::realm {

/// A publication that a log keeps.
struct LoggedEvent {
  std::uint64_t sequence = 0;  ///< counts up in its log
  std::int64_t time = 0;       ///< microseconds since 1970, UTC
  PublicationRef publication;
};

/// The last events of one subscription, in the order in which the broker handled them ("Event History", advanced
/// profile). Any thread: a mutex guards it, held for a few pointers' copying.
class EventLog {
 public:
  struct Limits {
    std::size_t events = 100;
    std::size_t bytes = 64 * 1024 * 1024;  ///< of topics and payloads; the newest event is kept whatever its size
  };

  explicit EventLog(const Limits& limits) : limits_(limits) {}

  struct Place {
    std::uint64_t sequence = 0;  ///< of the event added
    std::uint64_t oldest = 0;    ///< of the oldest event still kept
  };
  /// Adds an event; the oldest go when a limit is reached.
  Place append(std::int64_t time, PublicationRef publication);
  /// Fills an empty log with what was kept from an earlier run, oldest first.
  void restore(std::vector<LoggedEvent> events);

  struct Flushed {
    std::size_t count = 0;   ///< of events that were kept
    std::uint64_t next = 0;  ///< sequence of the first event that comes after them
  };
  /// Forgets all events.
  Flushed flush();

  /// All that are kept, oldest first.
  std::vector<LoggedEvent> events() const;

 private:
  void trim();

  const Limits limits_;
  mutable std::mutex mutex_;
  std::deque<LoggedEvent> events_;   // guarded by mutex_
  std::size_t bytes_ = 0;            // guarded by mutex_
  std::uint64_t last_sequence_ = 0;  // guarded by mutex_
};

}  // namespace crosspoint::realm
