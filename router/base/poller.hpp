#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <vector>

namespace crosspoint::base {

/// Something with a file descriptor in a Poller.
class Pollable {
 public:
  virtual ~Pollable() = default;
  /// `events` are epoll's (EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLHUP, EPOLLERR), edge-triggered: read or write until the
  /// kernel says EAGAIN, or ask for another call with Poller::again().
  virtual void on_ready(std::uint32_t events) = 0;
};

/// The connections of one I/O thread, as one epoll set of their own beside the thread's io_context. It is measured
/// cheaper than one Asio socket per connection: a registration lasts for the connection's life, no handler is
/// allocated per read, and one call of epoll_wait brings all that is ready. Belongs to one thread.
class Poller {
 public:
  Poller();
  ~Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  /// Readable when one of the registered descriptors is ready; the io_context waits for this one.
  int fd() const { return fd_; }

  /// Registers for reading, writing and hang-up. Returns false, with errno set, if the kernel refuses.
  bool add(int fd, Pollable& pollable);
  /// Forgets it: no call of on_ready follows, not even for events that were already collected. The descriptor must
  /// still be open.
  void remove(int fd, const Pollable& pollable);
  /// Has on_ready(EPOLLIN) called in the next round, for a pollable that stopped reading before EAGAIN.
  void again(Pollable& pollable) { again_.push_back(&pollable); }

  /// Handles what is ready now without waiting. Returns how many calls of on_ready it made.
  std::size_t run_ready();
  bool has_again() const { return !again_.empty(); }

 private:
  int fd_;
  std::array<epoll_event, 256> events_;
  std::size_t count_ = 0;
  std::vector<Pollable*> again_;
  std::vector<Pollable*> round_;  // the again-list that run_ready works through
};

}  // namespace crosspoint::base
