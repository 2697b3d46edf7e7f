#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "realm/event_log.hpp"
#include "realm/history_reading.hpp"
#include "realm/session_key.hpp"
#include "wamp/ids.hpp"

namespace crosspoint::realm {

/// The answer to a call that reads event history, or forgets it, for the shard of the caller.
struct HistoryAnswer {
  SessionKey caller;
  wamp::RequestId request = 0;
  std::string problem;                         ///< why there is none; empty if all is well
  std::optional<std::size_t> flushed;          ///< how many events were forgotten
  std::shared_ptr<const HistoryReading> read;  ///< or what was found
};

/// Keeps the event history of a realm for all nodes of a cluster, in place of its event logs, which stay empty and
/// stand for the entries.
class SharedHistory {
 public:
  /// What becomes of `publisher`'s request comes to its shard as StoredPublication, unless `request` is 0.
  struct Event {
    std::int64_t time = 0;  ///< microseconds since 1970, UTC
    PublicationRef publication;
    std::vector<const EventLog*> logs;
    SessionKey publisher;
    wamp::RequestId request = 0;
  };

  virtual ~SharedHistory() = default;
  /// Any thread; does not wait.
  virtual void add(Event event) = 0;
  /// The same. A HistoryAnswer comes to the shard of the caller. False, and none comes, if the history cannot be
  /// reached.
  virtual bool read(const SessionKey& caller, wamp::RequestId request, HistoryReading reading) = 0;
  virtual bool flush(const SessionKey& caller, wamp::RequestId request, const EventLog& log) = 0;
};

}  // namespace crosspoint::realm
