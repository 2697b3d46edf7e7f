#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "base/chunk_writer.hpp"
#include "transports/message_port.hpp"

/// Where WebSocket connections that do not speak WAMP meet what is above them: text and binary messages of any content.
namespace crosspoint::transports {

enum class DataKind : std::uint8_t { text, binary };

/// How a connection was closed: the peer's Close frame, or ours if we sent the first one (RFC 6455, 7.1.5 and 7.1.6).
struct CloseStatus {
  std::uint16_t code = 1006;  ///< 1005: a Close frame without a code; 1006: none was seen
  std::string reason;
};

/// The sending side. Belongs to its connection's thread.
class PlainPort : public MessagePort {
 public:
  using MessagePort::close;
  using MessagePort::make_frame;
  using MessagePort::send;
  /// Queues one message; it leaves at the end of the turn. Nothing happens if the connection is not open any more.
  virtual void send(DataKind kind, base::Bytes message) = 0;
  /// The same for many connections: see MessagePort.
  virtual SharedFrame make_frame(DataKind kind, base::Bytes message, base::ChunkWriter& writer) const = 0;
  /// False as soon as either side has begun to close.
  virtual bool is_open() const = 0;
  /// Begins the closing handshake, after what is queued. `reason` is cut to 123 bytes.
  virtual void close(std::uint16_t code, std::string_view reason) = 0;
  virtual const CloseStatus& close_status() const = 0;
};

/// The receiving side; on_message() and on_garbled() of the base are not called.
class PlainHandler : public MessageHandler {
 public:
  /// A whole message. Text has been checked to be UTF-8. The bytes are valid until the function returns.
  virtual void on_data(DataKind kind, std::span<const std::uint8_t> message) = 0;

 private:
  void on_message(std::span<std::uint8_t>, const base::ChunkRef&) final {}
  void on_garbled(std::string_view) final {}
};

/// Makes the handler of a new connection. The port outlives the handler.
using MakePlainHandler = std::function<std::unique_ptr<PlainHandler>(PlainPort& port)>;

}  // namespace crosspoint::transports
