#pragma once

#include <atomic>
#include <cstddef>

namespace crosspoint::realm {

/// How much one session still has to take in of the streams that others send it, piece by piece: progressive results of
/// its calls, and calls of its procedures that are made in pieces. Those who send ask it whether they are to be held
/// back. Shared by all threads; every function may be called from any of them.
class Intake {
 public:
  /// Bytes that may be under way to the session's thread, unless its transport can queue only so much less.
  static constexpr std::size_t kMostUnderWay = 1024 * 1024;
  /// The same for each stream to another node, whose receiver is heard of late: far more bytes than fit into the time
  /// in which a message goes there and back, and few enough that many streams to one slow session are no danger to it.
  static constexpr std::size_t kMostToNode = 128 * 1024;

  explicit Intake(std::size_t most_under_way = kMostUnderWay) : most_under_way_(most_under_way) {}

  /// A piece was posted to the session's shard, and has arrived there.
  void posted(std::size_t bytes) { under_way_.fetch_add(bytes, std::memory_order_relaxed); }
  void arrived(std::size_t bytes) { under_way_.fetch_sub(bytes, std::memory_order_relaxed); }
  /// What is queued for its connection is more than enough; or all of it has been sent.
  void set_full(bool full) { full_.store(full, std::memory_order_relaxed); }
  bool full() const { return full_.load(std::memory_order_relaxed); }
  /// The session is gone: nobody is held back because of it any more.
  void close() { closed_.store(true, std::memory_order_relaxed); }

  /// True if those who send to it are to stop until it is false.
  bool congested() const {
    if (closed_.load(std::memory_order_relaxed)) return false;
    return full() || under_way_.load(std::memory_order_relaxed) > most_under_way_;
  }
  /// Somebody is held back because of it.
  void await() { awaited_.store(true, std::memory_order_relaxed); }
  /// Whether somebody was since the last time of asking.
  bool take_awaited() { return awaited_.exchange(false, std::memory_order_relaxed); }

 private:
  const std::size_t most_under_way_;
  std::atomic<std::size_t> under_way_{0};
  std::atomic<bool> full_{false};
  std::atomic<bool> closed_{false};
  std::atomic<bool> awaited_{false};
};

}  // namespace crosspoint::realm
