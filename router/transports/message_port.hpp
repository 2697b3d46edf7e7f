#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/chunk.hpp"
#include "base/io_thread.hpp"
#include "serializers/serializers.hpp"

/// Where message transports (WebSocket, RawSocket, long-polling) and the WAMP connection above them meet.
namespace crosspoint::transports {

class CookieIssuer;

/// What is known of a connection when its transport is ready to carry messages.
struct TransportInfo {
  const serializers::Serializer* serializer = nullptr;
  std::string framing;                    ///< "websocket", "rawsocket" or "longpoll"
  std::string subprotocol;                ///< WebSocket's, or empty
  std::vector<std::string> extensions;    ///< WebSocket's in use
  std::string own_address, peer_address;  ///< "tcp4:127.0.0.1:48638"
  bool secure = false;                    ///< TLS
  /// Of TLS: 32 bytes each that only the two ends know, by the type of channel binding.
  std::vector<std::pair<std::string, std::string>> channel_ids;
  std::string cookie;            ///< id of WebSocket's, or empty
  std::string peer_certificate;  ///< of a TLS client that has shown one: DER
  int fd = -1;                   ///< for information only
  /// Of the WebSocket handshake; names in lower case.
  std::vector<std::pair<std::string, std::string>> headers_received, headers_sent;
};

/// A message with its framing, to be sent to many sessions of one encoding and framing.
struct SharedFrame {
  base::Slice start;    ///< the frame up to the payload, or all of it
  base::Slice payload;  ///< empty, or a large payload that is not copied
  base::Slice end;

  std::size_t size() const { return std::size_t{start.size} + payload.size + end.size; }
};

/// The sending side of a message transport. Belongs to its connection's thread.
class MessagePort {
 public:
  virtual ~MessagePort() = default;

  /// Queues one message; it leaves at the end of the turn. False, and nothing is queued, if it is longer than the peer
  /// takes.
  virtual bool send(const serializers::EncodedMessage& message) = 0;
  /// True if frames made by make_frame() fit this connection; else each message must be sent by itself (it is
  /// compressed or masked).
  virtual bool takes_shared_frames() const = 0;
  virtual SharedFrame make_frame(const serializers::EncodedMessage& message, base::ChunkWriter& writer) const = 0;
  /// The same for a frame.
  virtual bool send(const SharedFrame& frame) = 0;
  /// True if frames that lie one behind the other may be sent as if they were one.
  virtual bool joins_frames() const { return true; }
  /// Ports of one kind exchange shared frames: 0 WebSocket, 1 RawSocket, 2 WebSocket with batches; 3 long-polling,
  /// which takes none.
  virtual unsigned kind() const = 0;
  static constexpr unsigned kKinds = 4;

  /// Bytes queued but not yet taken by the kernel.
  virtual std::size_t queued() const = 0;
  /// The same in messages, for ports that end the connection when more than max_queued_messages() are queued; 0: bytes
  /// alone count.
  virtual std::size_t queued_messages() const { return 0; }
  virtual std::size_t max_queued_messages() const { return 0; }
  /// Stops and starts reading from the peer.
  virtual void pause() = 0;
  virtual void resume() = 0;

  /// Ends the connection after what is queued: in good order, ...
  virtual void close(std::string_view reason) = 0;
  /// ... or because the peer broke the protocol.
  virtual void fail(std::string_view reason) = 0;
  /// Ends the connection at once; what is queued is lost.
  virtual void drop(std::string_view reason) = 0;

  virtual base::IoThread& io() = 0;
  virtual TransportInfo info() const = 0;
  /// The largest message the peer may send, in bytes.
  virtual std::size_t max_message_size() const = 0;
};

/// The receiving side: what a message transport delivers to.
class MessageHandler {
 public:
  virtual ~MessageHandler() = default;
  /// A whole message; base::IoThread::kReadPadding more bytes are readable behind it. If `owner` is set, the bytes may
  /// be kept by keeping it. JSON has been checked to be UTF-8.
  virtual void on_message(std::span<std::uint8_t> message, const base::ChunkRef& owner) = 0;
  /// What arrived cannot be taken apart into messages, for the reason given: the peer broke the protocol.
  virtual void on_garbled(std::string_view problem) = 0;
  /// All that was queued has been handed to the kernel.
  virtual void on_drained() = 0;
  /// The connection is gone. The last call.
  virtual void on_closed(std::string_view reason) = 0;
  /// The id of the session that lives on the connection; 0 if there is none.
  virtual std::uint64_t session() const { return 0; }
};

/// Makes the handler for a new connection: the WAMP side of an endpoint. Used by all threads.
class MessageHandlerFactory {
 public:
  virtual ~MessageHandlerFactory() = default;
  /// Where WebSocket connections get cookies; nullptr: they get none.
  virtual CookieIssuer* cookies() { return nullptr; }
  /// The port outlives the handler.
  virtual std::unique_ptr<MessageHandler> make_handler(MessagePort& port) = 0;
};

}  // namespace crosspoint::transports
