#include "transports/rawsocket_frame.hpp"

#include <algorithm>
#include <bit>

namespace crosspoint::transports {
namespace {

/// The handshake expresses limits as 2^(9 + exponent), with four bits of exponent.
constexpr unsigned kLeastPower = 9;
constexpr unsigned kMostPower = 24;

}  // namespace

RawSocketHello parse_rawsocket_hello(base::Bytes bytes) {
  RawSocketHello hello;
  hello.max_message_size = std::size_t{1} << (kLeastPower + (bytes[1] >> 4));
  hello.serializer_id = bytes[1] & 0x0f;
  hello.reserved_bits = bytes[2] != 0 || bytes[3] != 0;
  return hello;
}

std::size_t rawsocket_limit(std::size_t size) {
  return std::clamp(std::bit_ceil(size), std::size_t{1} << kLeastPower, std::size_t{1} << kMostPower);
}

RawSocketReply rawsocket_welcome(std::uint8_t serializer_id, std::size_t max_message_size) {
  const auto power = static_cast<unsigned>(std::countr_zero(rawsocket_limit(max_message_size)));
  return {kRawSocketMagic, static_cast<std::uint8_t>((power - kLeastPower) << 4 | serializer_id), 0, 0};
}

RawSocketReply rawsocket_refusal(RawSocketError error) {
  return {kRawSocketMagic, static_cast<std::uint8_t>(static_cast<unsigned>(error) << 4), 0, 0};
}

bool parse_rawsocket_frame(base::Bytes bytes, RawSocketFrame& out) {
  if (bytes[0] > static_cast<std::uint8_t>(RawSocketFrameType::pong)) return false;
  out.type = static_cast<RawSocketFrameType>(bytes[0]);
  out.payload_size = std::size_t{bytes[1]} << 16 | std::size_t{bytes[2]} << 8 | bytes[3];
  return true;
}

std::array<std::uint8_t, kRawSocketHeader> rawsocket_header(RawSocketFrameType type, std::size_t payload_size) {
  return {static_cast<std::uint8_t>(type), static_cast<std::uint8_t>(payload_size >> 16),
          static_cast<std::uint8_t>(payload_size >> 8), static_cast<std::uint8_t>(payload_size)};
}

}  // namespace crosspoint::transports
