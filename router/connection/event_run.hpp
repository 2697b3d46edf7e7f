#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/chunk_writer.hpp"
#include "realm/session.hpp"
#include "serializers/serializers.hpp"
#include "transports/message_port.hpp"

namespace crosspoint::connection {

/// Frames of messages by encoding and kind of port: Connection::frame_key() is the index.
inline constexpr std::size_t kFrameKeys = wamp::kEncodings * transports::MessagePort::kKinds;
/// One port for each key in use, to make frames with; the others are nullptr.
using FrameMakers = std::array<const transports::MessagePort*, kFrameKeys>;

/// Small events for the same many receivers, gathered during a turn: each receiver's connection is touched once for all
/// of them, and gets them as one piece. Belongs to a RealmGate, who sees to the order: whatever else is sent to one of
/// the receivers goes behind settle(), and no receiver leaves before end().
class EventRun {
 public:
  static constexpr std::size_t kFewestReceivers = 8;

  /// Events for these receivers may be gathered from now on. All of them take shared frames, with one of these keys.
  void begin(std::span<realm::Session* const> receivers, const FrameMakers& makers);
  /// Nobody is a receiver any more. What has been gathered is lost.
  void end();
  bool is_for(std::span<realm::Session* const> receivers) const;

  /// True if the event has been gathered, for all receivers but those with an encoding whose bit is then set in
  /// `inexpressible`. It is not if it is too large.
  bool add(const wamp::Message& event, serializers::Encoder& encoder, std::uint32_t& inexpressible);
  bool empty() const { return bytes_ == 0; }
  /// Gives the receivers what has been gathered: something.
  void settle();

 private:
  /// Events that lie one behind the other in memory.
  struct Piece {
    base::Slice whole;
    std::vector<std::uint32_t> sizes;
  };
  struct Batch {
    base::ChunkWriter writer{base::Chunk::kLarge};
    std::vector<Piece> pieces;
    std::size_t bytes = 0;
    bool joined = false;  // its ports take a piece as it is
  };

  void append(Batch& batch, const base::Slice& frame);

  std::vector<realm::Session*> receivers_;
  FrameMakers makers_{};
  std::array<Batch, kFrameKeys> batches_;
  std::size_t bytes_ = 0;  // of all batches
};

}  // namespace crosspoint::connection
