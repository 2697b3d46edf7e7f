#pragma once

#include <cstdint>
#include <deque>
#include <span>

#include "base/chunk.hpp"
#include "wamp/ids.hpp"

namespace crosspoint::connection {

class Service;

/// The messages of a session that wait, in order, while a dynamic authorizer is asked about the first of them, or other
/// nodes have their say before it.
class WaitingMessages {
 public:
  /// From here on the client is not read any further.
  static constexpr std::size_t kEnough = 256 * 1024;

  /// A message of which base::IoThread::kReadPadding more bytes are readable.
  struct Entry {
    base::ChunkRef chunk;
    std::size_t size = 0;
    std::span<std::uint8_t> bytes() const { return {chunk->data(), size}; }
  };

  bool empty() const { return entries_.empty(); }
  bool enough() const { return bytes_ >= kEnough; }
  void append(std::span<const std::uint8_t> message);
  /// Puts one back that was taken.
  void put_back(Entry entry);
  Entry take();

  /// The call under way; service is nullptr if there is none.
  Service* service = nullptr;
  wamp::RequestId call = 0;

 private:
  std::deque<Entry> entries_;
  std::size_t bytes_ = 0;
};

}  // namespace crosspoint::connection
