#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "settings/websocket.hpp"
#include "transports/message_port.hpp"
#include "transports/permessage_deflate.hpp"
#include "transports/plain_port.hpp"
#include "transports/protocol.hpp"
#include "transports/stream.hpp"
#include "transports/utf8_stream.hpp"
#include "transports/websocket_frame.hpp"

namespace crosspoint::transports {

/// What the opening handshake settled.
struct WebSocketSession {
  const serializers::Serializer* serializer = nullptr;  ///< nullptr: messages are text or binary, whatever is in them
  std::optional<DeflateAgreement> deflate;
  TransportInfo info;
};

/// The server's side of a WebSocket connection after the opening handshake (RFC 6455): frames in, messages up, messages
/// down, frames out. A message that has arrived whole in one frame is unmasked and handed up where it lies; only
/// fragments and compressed messages are put together in memory of their own.
class WebSocketProtocol : public Protocol, public PlainPort {
 public:
  WebSocketProtocol(Stream& stream, const settings::WebSocketOptions& options, WebSocketSession session);
  ~WebSocketProtocol() override;
  /// Makes the handler of the messages. To be called once, before anything arrives.
  void open(MessageHandlerFactory& factory);
  /// The same for messages of any kind; the session must be one without serializer.
  void open(const MakePlainHandler& make_handler);

  // Protocol
  std::size_t on_bytes(std::span<std::uint8_t> bytes, const base::ChunkRef& owner) override;
  std::size_t bytes_wanted() const override { return wanted_; }
  void on_drained() override { handler_->on_drained(); }
  void on_closed(std::string_view reason) override;

  // MessagePort
  bool send(const serializers::EncodedMessage& message) override;
  bool takes_shared_frames() const override { return is_plain(); }
  SharedFrame make_frame(const serializers::EncodedMessage& message, base::ChunkWriter& writer) const override;
  bool send(const SharedFrame& frame) override;
  unsigned kind() const override { return 0; }
  std::size_t queued() const override { return stream_.queued(); }
  void pause() override { stream_.pause(); }
  void resume() override { stream_.resume(); }
  void close(std::string_view reason) override { start_closing(CloseCode::normal, reason); }
  void fail(std::string_view reason) override { fail_with(CloseCode::protocol_error, reason); }
  void drop(std::string_view reason) override { stream_.close(reason); }
  base::IoThread& io() override { return stream_.io(); }
  TransportInfo info() const override;
  std::size_t max_message_size() const override { return max_message_size_; }

  // PlainPort
  void send(DataKind kind, base::Bytes message) override;
  SharedFrame make_frame(DataKind kind, base::Bytes message, base::ChunkWriter& writer) const override;
  bool is_open() const override { return state_ == State::open; }
  void close(std::uint16_t code, std::string_view reason) override {
    start_closing(static_cast<CloseCode>(code), reason);
  }
  const CloseStatus& close_status() const override { return close_status_; }

 protected:
  /// A whole message, decompressed and checked to be UTF-8 where it must be.
  virtual void deliver(std::span<std::uint8_t> payload, const base::ChunkRef& owner) {
    handler_->on_message(payload, owner);
  }
  /// A Close frame is going to be queued.
  virtual void before_closing() {}
  MessageHandler& handler() { return *handler_; }
  Stream& stream() { return stream_; }
  /// Frames go out as they are, neither compressed nor masked nor cut.
  bool is_plain() const { return !deflate_ && !options_.mask_server_frames && options_.auto_fragment_size == 0; }
  void send_special(Opcode opcode, const serializers::EncodedMessage& message);
  /// Of messages without a serializer: as the last one was that has come.
  Opcode data_opcode() const {
    return info_->serializer == nullptr ? last_opcode_ : info_->serializer->is_text ? Opcode::text : Opcode::binary;
  }

 private:
  enum class State { open, closing, closed };

  /// Handles the frame at the front of `bytes`. Returns its size, or 0 if it is not all there (wanted_ says how much
  /// is) or the connection has ended.
  std::size_t frame(std::span<std::uint8_t> bytes, const base::ChunkRef& owner);
  bool check(const FrameHeader& header);
  /// Looks at the part of a text frame that is there, so that what is no text is refused before all of it has come.
  bool check_part(const FrameHeader& header, base::Bytes bytes);
  bool is_text(Opcode opcode) const { return opcode == Opcode::text && validates_; }
  void data_frame(const FrameHeader& header, std::span<std::uint8_t> payload, const base::ChunkRef& owner);
  void message(Opcode opcode, bool compressed, std::span<std::uint8_t> payload, const base::ChunkRef& owner);
  void control_frame(Opcode opcode, std::span<const std::uint8_t> payload);
  void close_frame(std::span<const std::uint8_t> payload);
  void send_control(Opcode opcode, base::Bytes payload);
  void send_close(CloseCode code, std::string_view reason);
  void start_closing(CloseCode code, std::string_view reason);
  void fail_with(CloseCode code, std::string_view reason);
  void send_message(Opcode opcode, const serializers::EncodedMessage& message);
  SharedFrame frame_of(Opcode opcode, const serializers::EncodedMessage& message, base::ChunkWriter& writer) const;
  void schedule_ping();
  void send_ping();
  void write_frames(Opcode opcode, base::Bytes message, bool compressed);

  Stream& stream_;
  const settings::WebSocketOptions& options_;
  const std::size_t max_message_size_;
  State state_ = State::open;
  std::size_t wanted_ = 0;
  std::unique_ptr<TransportInfo> info_;
  std::unique_ptr<PermessageDeflate> deflate_;
  std::unique_ptr<MessageHandler> handler_;
  PlainHandler* plain_ = nullptr;  // the handler, if there is no serializer
  CloseStatus close_status_;

  // A message whose fragments are still arriving.
  std::vector<std::uint8_t> fragments_;
  std::optional<Opcode> fragmented_;
  bool fragments_compressed_ = false;
  Utf8Stream text_;               // of the fragments, and of the part of a frame that has come
  std::size_t text_checked_ = 0;  // bytes of the payload of that frame
  bool validates_;                // text must be UTF-8
  Opcode last_opcode_ = Opcode::text;

  base::Timers::Handle timer_;  // of pings while open, of the closing handshake after
  bool pong_missing_ = false;
  std::array<std::uint8_t, 8> ping_payload_{};
};

}  // namespace crosspoint::transports
