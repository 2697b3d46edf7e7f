#pragma once

#include <array>
#include <memory>
#include <vector>

#include "settings/transport.hpp"
#include "transports/message_port.hpp"
#include "transports/protocol.hpp"
#include "transports/rawsocket_frame.hpp"
#include "transports/stream.hpp"

namespace crosspoint::transports {

/// From connecting to the end of the handshake.
inline constexpr std::chrono::seconds kRawSocketHandshakeTime{10};

/// How a RawSocket transport serves its connections. Constant; used by all threads.
struct RawSocketOptions {
  /// `endpoint` must outlive the connections.
  RawSocketOptions(const settings::RawSocket& settings, MessageHandlerFactory& endpoint);

  std::vector<const serializers::Serializer*> serializers;  ///< those that are offered
  std::size_t max_message_size;                             ///< a power of two, as announced
  std::chrono::milliseconds ping_interval;                  ///< 0: no pings
  std::chrono::milliseconds ping_timeout;                   ///< 0: a ping need not be answered
  MessageHandlerFactory& endpoint;
};

/// The server's side of a RawSocket connection: the handshake, then frames in, messages up, messages down, frames out.
/// Messages are handed up where they lie.
class RawSocketProtocol final : public Protocol, public MessagePort {
 public:
  RawSocketProtocol(Stream& stream, const RawSocketOptions& options);
  ~RawSocketProtocol() override;

  // Protocol
  std::size_t on_bytes(std::span<std::uint8_t> bytes, const base::ChunkRef& owner) override;
  std::size_t bytes_wanted() const override { return wanted_; }
  void on_drained() override;
  void on_closed(std::string_view reason) override;

  // MessagePort
  bool send(const serializers::EncodedMessage& message) override;
  bool takes_shared_frames() const override { return true; }
  SharedFrame make_frame(const serializers::EncodedMessage& message, base::ChunkWriter& writer) const override;
  bool send(const SharedFrame& frame) override;
  unsigned kind() const override { return 1; }
  std::size_t queued() const override { return stream_.queued(); }
  void pause() override { stream_.pause(); }
  void resume() override { stream_.resume(); }
  void close(std::string_view reason) override { end(reason); }
  void fail(std::string_view reason) override { end(reason); }
  void drop(std::string_view reason) override { stream_.close(reason); }
  base::IoThread& io() override { return stream_.io(); }
  TransportInfo info() const override;
  std::size_t max_message_size() const override { return options_.max_message_size; }

 private:
  enum class State { handshake, open, closed };

  /// Handles what is at the front of `bytes`. Returns how much that was, or 0 if it is not all there or the connection
  /// has ended.
  std::size_t handshake(std::span<const std::uint8_t> bytes);
  std::size_t frame(std::span<std::uint8_t> bytes, const base::ChunkRef& owner);
  void message(std::span<std::uint8_t> payload, const base::ChunkRef& owner);
  void answer_ping(std::span<const std::uint8_t> payload, const base::ChunkRef& owner);
  void refuse(RawSocketError error, std::string_view reason);
  void end(std::string_view reason);
  void schedule_ping();
  void send_ping();

  Stream& stream_;
  const RawSocketOptions& options_;
  State state_ = State::handshake;
  std::size_t wanted_ = 0;
  std::size_t max_send_size_ = 0;  // the longest message that the client takes
  const serializers::Serializer* serializer_ = nullptr;
  std::unique_ptr<MessageHandler> handler_;  // once the handshake is done
  base::Timers::Handle timer_;               // of the handshake, then of pings
  bool pong_missing_ = false;
};

}  // namespace crosspoint::transports
