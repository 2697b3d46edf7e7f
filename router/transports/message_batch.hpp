#pragma once

#include <cstdint>
#include <string_view>

#include "base/out_queue.hpp"
#include "transports/message_port.hpp"

/// "Message Batching" (advanced profile): several WAMP messages in one WebSocket message. JSON has a record separator
/// behind each message, binary serializers its length in four bytes, big-endian, in front.
namespace crosspoint::transports {

/// What a connection with a batched subprotocol has gathered to send. Belongs to its connection.
class MessageBatch {
 public:
  /// A batch that would grow longer than this is sent before the next message is added.
  static constexpr std::size_t kMaxBytes = 64 * 1024;

  explicit MessageBatch(bool is_text) : is_text_(is_text) {}

  bool empty() const { return queue_.empty(); }
  std::size_t bytes() const { return queue_.bytes(); }
  /// True if `size` more bytes of messages have to wait for the next batch.
  bool is_full(std::size_t size) const { return !empty() && bytes() + size > kMaxBytes; }

  void add(const serializers::EncodedMessage& message);
  /// A frame that make_frame() made for a batch, of this connection or another.
  void add(const SharedFrame& frame);
  SharedFrame make_frame(const serializers::EncodedMessage& message, base::ChunkWriter& writer) const;
  /// The messages with all that is around them. Whoever sends them clears the queue.
  base::OutQueue& queue() { return queue_; }

  /// Checks a batch that was received. Returns what is wrong with it, or nothing. Notes which separator the peer uses:
  /// Autobahn|Python writes and expects 0x18 where the specification has 0x1E, and gets the same.
  std::string_view check(base::Bytes batch);
  /// The first message of what is left of a checked batch, which is taken off.
  std::span<std::uint8_t> take(std::span<std::uint8_t>& batch) const;

 private:
  bool is_separator(std::uint8_t byte) const { return byte == 0x1e || byte == 0x18; }
  void finish();

  const bool is_text_;
  std::uint8_t separator_ = 0x1e;
  base::OutQueue queue_;
};

}  // namespace crosspoint::transports
