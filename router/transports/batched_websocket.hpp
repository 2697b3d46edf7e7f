#pragma once

#include "transports/message_batch.hpp"
#include "transports/websocket_protocol.hpp"

namespace crosspoint::transports {

/// A WebSocket connection whose subprotocol has several WAMP messages in one WebSocket message ("Message Batching",
/// advanced profile). What is sent in one turn leaves as one batch.
class BatchedWebSocketProtocol final : public WebSocketProtocol {
 public:
  BatchedWebSocketProtocol(Stream& stream, const settings::WebSocketOptions& options, WebSocketSession session);

  // Protocol
  void before_writing() override { send_batch(); }

  // MessagePort
  bool send(const serializers::EncodedMessage& message) override;
  bool send(const SharedFrame& frame) override;
  bool joins_frames() const override { return false; }  // each gets its separator, and batches have a limit
  /// Frames of batches have no header of their own, so that compression and masks do not matter.
  bool takes_shared_frames() const override { return true; }
  SharedFrame make_frame(const serializers::EncodedMessage& message, base::ChunkWriter& writer) const override {
    return batch_.make_frame(message, writer);
  }
  unsigned kind() const override { return 2; }
  std::size_t queued() const override { return WebSocketProtocol::queued() + batch_.bytes(); }

 private:
  void deliver(std::span<std::uint8_t> payload, const base::ChunkRef& owner) override;
  void before_closing() override { send_batch(); }
  template <class Message>
  bool add(const Message& message);
  /// Queues what has been gathered as one WebSocket message.
  void send_batch();
  void send_special_batch();

  MessageBatch batch_;
};

}  // namespace crosspoint::transports
