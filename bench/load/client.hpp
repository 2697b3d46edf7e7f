#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "load/network.hpp"
#include "load/upgrade.hpp"
#include "transports/rawsocket_frame.hpp"
#include "transports/websocket_frame.hpp"
#include "wamp/message.hpp"

namespace crosspoint::bench {

class Client;

/// Hears what happens to clients. What must not happen, it does not hear: that ends the run as a Failure.
class ClientEvents {
 public:
  virtual ~ClientEvents() = default;
  virtual void on_joined(Client& client) = 0;
  /// A message to a joined session. It points into memory that is gone after the call.
  virtual void on_message(Client& client, const wamp::Message& message) = 0;
  /// A message to a client that does not speak WAMP.
  virtual void on_text(Client& client, std::string_view text) = 0;
  /// The session that was asked to leave has left, and its connection is closed.
  virtual void on_left(Client& client) = 0;
};

/// One WAMP session over one WebSocket or RawSocket, with or without TLS, seen from the client: connects, opens the
/// transport, joins the realm (anonymously or with a ticket), sends and receives messages, leaves. May connect again
/// once it has left. Or a plain WebSocket without WAMP, which has joined as soon as it is open.
class Client {
 public:
  /// `plain`: where to connect, if it is not to speak WAMP. `serializer`: nullptr for that of the network.
  Client(Network& network, std::size_t index, ClientEvents& events, const Target* plain = nullptr,
         const serializers::Serializer* serializer = nullptr);
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void connect();
  void send(const wamp::Message& message);
  /// Of a plain one.
  void send_text(std::string_view text);
  /// Says GOODBYE, waits for the answer and closes.
  void leave();

  std::size_t index() const { return index_; }
  bool joined() const { return state_ == State::joined; }

 private:
  class StreamSide;
  enum class State { closed, connecting, upgrading, joining, joined, leaving, closing };

  void connected(boost::system::error_code error);
  std::size_t on_bytes(std::span<std::uint8_t> bytes);
  void on_closed(std::string_view reason);

  std::size_t read_response(std::span<const std::uint8_t> bytes);
  std::size_t read_frame(std::span<std::uint8_t> bytes);
  void join();
  // The same of RawSocket, in client_rawsocket.cpp.
  void greet_rawsocket();
  std::size_t read_rawsocket_reply(std::span<const std::uint8_t> bytes);
  std::size_t read_rawsocket_frame(std::span<std::uint8_t> bytes);
  void send_rawsocket_frame(transports::RawSocketFrameType type, base::Bytes head, base::Bytes payload,
                            std::string_view tail);
  void on_frame(const transports::FrameHeader& header, std::span<std::uint8_t> payload);
  void on_payload(base::Bytes bytes);
  void while_joining(const wamp::Message& message);
  void while_joined(const wamp::Message& message);
  void send_frame(transports::Opcode opcode, base::Bytes head, base::Bytes payload, std::string_view tail);
  const serializers::Serializer* subprotocol() const { return plain_ != nullptr ? nullptr : &serializer_; }
  bool rawsocket() const { return plain_ == nullptr && network_.options().target.rawsocket; }
  [[noreturn]] void fail(const std::string& text) const;

  Network& network_;
  const std::size_t index_;
  ClientEvents& events_;
  const Target* const plain_;
  const serializers::Serializer& serializer_;
  State state_ = State::closed;
  std::optional<boost::asio::ip::tcp::socket> socket_;  // until the connection stands
  transports::Stream* stream_ = nullptr;                // from then on
  std::size_t wanted_ = 0;
  std::vector<std::uint8_t> fragments_;
  bool fragmented_ = false;
  Upgrade upgrade_;
};

}  // namespace crosspoint::bench
