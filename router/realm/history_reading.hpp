#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "realm/history_query.hpp"
#include "realm/subscription.hpp"

namespace crosspoint::realm {

/// Picks what a query wants, and `reader` may receive, from event logs that are read event by event, wherever they are
/// kept. Of several logs, which have the same topic, the one that goes back furthest answers.
///
///     while (const Subscription* log = reading.log()) {
///       for (each event, the newest or the oldest first as the query says) if (!reading.add(event)) break;
///       reading.end_log();
///     }
class HistoryReading {
 public:
  /// Payloads that are collected at most; the answer says that there would be more.
  static constexpr std::size_t kMostBytes = 16 * 1024 * 1024;

  HistoryReading(std::vector<SubscriptionRef> logs, HistoryQuery query, std::shared_ptr<const Identity> reader);

  const std::vector<SubscriptionRef>& logs() const { return logs_; }
  /// The subscription whose log is to be read now; nullptr: everything has been read.
  const Subscription* log() const { return next_ < logs_.size() ? logs_[next_].get() : nullptr; }
  bool newest_first() const { return query_.newest_first; }
  /// The next event of that log. False if the rest of it need not be read.
  bool add(LoggedEvent event);
  /// There is no more of it.
  void end_log();

  /// When everything has been read: whose log answers, the events in the order that was asked for, and whether there
  /// would be more.
  const Subscription& subscription() const { return *logs_[best_]; }
  const std::vector<LoggedEvent>& events() const { return found_.events; }
  bool truncated() const { return found_.truncated; }

 private:
  /// What was found in one log.
  struct Found {
    std::vector<LoggedEvent> events;
    std::size_t bytes = 0;
    std::size_t of_topic = 0;  // events that the reader may receive, whatever else is asked for
    bool truncated = false;
  };
  /// A publication at which the range begins or ends.
  struct Bound {
    wamp::PublicationId id = 0;  // 0: none
    bool seen = false;

    bool open() const { return id == 0 || seen; }
    bool is(wamp::PublicationId other) const { return id != 0 && id == other; }
  };
  struct Range {
    Bound from, after, until, before;  // in the order of reading; `from` and `until` belong to it
  };

  /// Whether an event is between the bounds.
  bool pass(wamp::PublicationId id);
  void collect(LoggedEvent event);
  Range range() const;

  const std::vector<SubscriptionRef> logs_;
  const HistoryQuery query_;
  const std::shared_ptr<const Identity> reader_;
  std::size_t next_ = 0;
  std::size_t best_ = 0;
  Range range_;  // of the log that is being read
  Found current_;
  Found found_;
};

}  // namespace crosspoint::realm
