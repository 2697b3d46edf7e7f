#pragma once

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "base/chunk_writer.hpp"
#include "base/poller.hpp"
#include "base/timers.hpp"

namespace crosspoint::base {

/// Does something once at the end of a turn, when all that was ready has been handled.
class TurnEnd {
 public:
  virtual ~TurnEnd() = default;
  virtual void on_turn_end() = 0;
};

/// One thread that runs an io_context and a Poller. All objects made on it are used on it only; from elsewhere use
/// post().
///
/// The thread works in turns: it handles everything that is ready (connections, posted tasks, timers), then runs the
/// turn-end hooks that were asked for. There the shards hand over what goes to other threads and the connections
/// write what has gathered in their queues, in one system call each.
class IoThread {
 public:
  /// Bytes of the buffer that all connections of the thread read into.
  static constexpr std::size_t kReadBuffer = 256 * 1024;
  /// Readable bytes behind it, for parsers that look ahead in whole words.
  static constexpr std::size_t kReadPadding = 64;

  explicit IoThread(unsigned index);
  ~IoThread();
  IoThread(const IoThread&) = delete;
  IoThread& operator=(const IoThread&) = delete;

  /// Starts the thread. Call once.
  void start();
  /// Runs the loop on the calling thread instead, until stop().
  void run();
  /// Any thread: the loop ends after the current turn.
  void stop();
  void join();

  unsigned index() const { return index_; }
  boost::asio::io_context& context() { return context_; }
  Poller& poller() { return poller_; }
  /// Runs `callback` once, `delay` from now. This thread only.
  Timers::Handle after(std::chrono::steady_clock::duration delay, Timers::Callback callback);
  void cancel(Timers::Handle& handle) { timers_.cancel(handle); }
  /// Has `pollable` called in the next turn, for one that stopped reading before EAGAIN.
  void resume(Pollable& pollable);
  /// This turn's time, good for timeouts; taken once per turn.
  std::chrono::steady_clock::time_point now() const { return now_; }
  bool is_current() const { return thread_id_.load(std::memory_order_relaxed) == std::this_thread::get_id(); }

  /// Any thread: runs `task` on this one. Tasks of one posting thread keep their order.
  void post(std::function<void()> task);

  /// The hook runs once at the end of this turn. Asking again before then changes nothing if the caller keeps
  /// count; hooks run in the order asked for, those that write what the others have gathered behind all others.
  enum class Stage { gather, write };
  void at_turn_end(TurnEnd& hook, Stage stage = Stage::gather);
  /// Must be called before a hook is destroyed that may have been asked for.
  void forget(const TurnEnd& hook);

  /// kReadBuffer bytes, followed by kReadPadding readable ones. What is in it is gone with the next read.
  std::span<std::uint8_t> read_buffer() { return {read_buffer_.get(), kReadBuffer}; }
  /// For pieces that several connections of this thread share.
  ChunkWriter& shared_output() { return shared_output_; }

 private:
  void wait_for_connections();
  void serve_connections();
  void post_rounds();
  void arm_timer();
  void end_turn();
  void drain_mailbox();

  const unsigned index_;
  boost::asio::io_context context_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  Poller poller_;
  boost::asio::posix::stream_descriptor poller_ready_;
  Timers timers_;
  boost::asio::steady_timer timer_;
  std::chrono::steady_clock::time_point armed_until_ = std::chrono::steady_clock::time_point::max();
  std::chrono::steady_clock::time_point now_;
  std::unique_ptr<std::uint8_t[]> read_buffer_;
  ChunkWriter shared_output_{Chunk::kLarge};

  std::vector<TurnEnd*> hooks_[2];  // by Stage
  std::vector<TurnEnd*> running_hooks_;
  bool turn_end_posted_ = false;
  bool serving_ = false;
  bool rounds_posted_ = false;

  std::mutex mailbox_mutex_;
  std::vector<std::function<void()>> mailbox_;  // guarded by mailbox_mutex_
  std::vector<std::function<void()>> taken_;

  std::atomic<std::thread::id> thread_id_{};
  std::thread thread_;
};

}  // namespace crosspoint::base
