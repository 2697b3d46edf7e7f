#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "transports/stream.hpp"

namespace crosspoint::transports {

/// Makes the protocol a new connection begins with. Called on the connection's thread.
using ProtocolFactory = std::function<std::unique_ptr<Protocol>(Stream&)>;

/// The streams of all I/O threads; gives each new connection to the thread with the fewest.
class StreamPool {
 public:
  explicit StreamPool(const std::vector<base::IoThread*>& threads);

  /// Any thread: takes over a connected, non-blocking socket. `factory` must outlive the threads.
  void adopt(int fd, std::string own_address, std::string peer_address, const ProtocolFactory& factory);

  /// Any thread: connections there are.
  std::size_t size() const;
  /// Any thread: ends all connections at the end of each thread's turn.
  void close_all(std::string_view reason);
  /// Destroys all streams. When the threads have stopped.
  void clear();

 private:
  struct Member {
    explicit Member(base::IoThread& io) : thread(io), set(std::make_unique<StreamSet>(io)) {}
    base::IoThread& thread;
    std::unique_ptr<StreamSet> set;
    std::atomic<std::size_t> count{0};  // streams, and sockets on their way to it
  };
  void add(Member& member, int fd, std::string own_address, std::string peer_address, const ProtocolFactory& factory);

  std::vector<std::unique_ptr<Member>> members_;
};

}  // namespace crosspoint::transports
