#pragma once

#include <deque>
#include <optional>
#include <string>

#include "transports/plain_port.hpp"

namespace crosspoint::gateway {

/// A call to the worker that has to wait for those before it.
struct QueuedCall {
  enum class Kind { open, message, shutdown, disconnect };
  Kind kind{};
  transports::DataKind data{};  ///< of a message
  std::string bytes;            ///< of a message
};

/// The order of one connection's calls: `open` before all messages, messages in the order of their arrival with at most
/// so many under way, `shutdown` and `disconnect` when all before them are answered. No I/O.
class CallQueue {
 public:
  explicit CallQueue(unsigned max_messages) : max_messages_(max_messages) {}

  void push(QueuedCall call) { waiting_.push_back(std::move(call)); }
  /// Counts a message as under way if it may be called for at once, without being queued.
  bool begin_message();
  /// The call that is to be made now, which counts as under way from here on; nothing if one has to wait.
  std::optional<QueuedCall> next();
  /// A call that was under way is answered.
  void done();
  /// Forgets the messages that wait.
  void drop_messages();

  bool waiting() const { return !waiting_.empty(); }

 private:
  const unsigned max_messages_;
  std::deque<QueuedCall> waiting_;
  unsigned under_way_ = 0;
  bool alone_ = false;  // the call under way must stay the only one
};

}  // namespace crosspoint::gateway
