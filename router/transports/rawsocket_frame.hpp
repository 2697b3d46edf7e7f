#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.hpp"

/// Handshake and frames of WAMP over RawSocket as bytes; no state. A frame is four bytes of header (its type, and the
/// length in 24 bits) and the payload.
namespace crosspoint::transports {

/// What the first byte of either side must be.
inline constexpr std::uint8_t kRawSocketMagic = 0x7f;
inline constexpr std::size_t kRawSocketHeader = 4;  ///< bytes of either handshake, and of a frame's header
/// The longest payload that a header can announce.
inline constexpr std::size_t kMaxRawSocketPayload = (std::size_t{1} << 24) - 1;

enum class RawSocketError : std::uint8_t {
  serializer_unsupported = 1,
  message_length_unacceptable = 2,
  reserved_bits_used = 3,
  connection_count_reached = 4,
};

/// What a client asks for.
struct RawSocketHello {
  std::size_t max_message_size = 0;  ///< the longest message that the client takes
  std::uint8_t serializer_id = 0;
  bool reserved_bits = false;  ///< set where they must not be
};

using RawSocketReply = std::array<std::uint8_t, kRawSocketHeader>;

/// `bytes` are kRawSocketHeader and begin with the magic one.
RawSocketHello parse_rawsocket_hello(base::Bytes bytes);
RawSocketReply rawsocket_welcome(std::uint8_t serializer_id, std::size_t max_message_size);
RawSocketReply rawsocket_refusal(RawSocketError error);
/// The least limit that the handshake can express and that is no less than `size`: a power of two from 512 to 2^24.
std::size_t rawsocket_limit(std::size_t size);

enum class RawSocketFrameType : std::uint8_t { regular = 0, ping = 1, pong = 2 };

struct RawSocketFrame {
  RawSocketFrameType type{};
  std::size_t payload_size = 0;
};

/// Reads a header of kRawSocketHeader bytes; false if its type is unknown or a reserved bit is set.
bool parse_rawsocket_frame(base::Bytes bytes, RawSocketFrame& out);
/// Writes a header; `payload_size` is kMaxRawSocketPayload at most.
std::array<std::uint8_t, kRawSocketHeader> rawsocket_header(RawSocketFrameType type, std::size_t payload_size);

}  // namespace crosspoint::transports
