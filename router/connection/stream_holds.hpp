#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "base/io_thread.hpp"
#include "realm/intake.hpp"

namespace crosspoint::connection {

class Connection;

/// The connections of one realm and thread that are not read from because a session to which they send a stream
/// (progressive results, calls in pieces) cannot take it in so fast. They are read again as soon as it can; if it never
/// can, its own connection ends it, which ends the wait. Belongs to its thread.
class StreamHolds {
 public:
  explicit StreamHolds(base::IoThread& io) : io_(io) {}
  ~StreamHolds() { io_.cancel(timer_); }
  StreamHolds(const StreamHolds&) = delete;
  StreamHolds& operator=(const StreamHolds&) = delete;

  /// Stops reading from `sender` while `receiver` is congested.
  void add(Connection& sender, const std::shared_ptr<realm::Intake>& receiver);
  /// The connection is going away, or its session is.
  void forget(const Connection& sender);

 private:
  void look();
  void look_later();
  bool holds(const Connection& sender) const;

  base::IoThread& io_;
  std::vector<std::pair<Connection*, std::shared_ptr<realm::Intake>>> held_;
  base::Timers::Handle timer_;
};

}  // namespace crosspoint::connection
