#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/bytes.hpp"

/// Frames of the WebSocket protocol (RFC 6455, section 5) as bytes; no state.
namespace crosspoint::transports {

enum class Opcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

/// Status codes of a Close frame (RFC 6455, 7.4.1).
enum class CloseCode : std::uint16_t {
  normal = 1000,
  going_away = 1001,
  protocol_error = 1002,
  unsupported_data = 1003,
  none = 1005,  ///< a Close frame without a code; never sent
  invalid_payload = 1007,
  policy_violation = 1008,
  message_too_big = 1009,
  internal_error = 1011,
};

/// True for the codes that a peer may send (RFC 6455, 7.4).
bool is_valid_close_code(std::uint16_t code);

struct FrameHeader {
  bool fin = false;
  bool rsv1 = false;
  bool masked = false;
  Opcode opcode{};
  std::uint8_t size = 0;  ///< bytes of the header itself
  std::uint64_t payload_size = 0;
  std::uint8_t key[4] = {};
};

/// Longest header: two bytes, eight of length, four of key.
inline constexpr std::size_t kMaxFrameHeader = 14;

enum class FrameParse { complete, incomplete, bad };

/// Reads a header. `problem` says what is wrong with a bad one.
FrameParse parse_frame_header(base::Bytes bytes, FrameHeader& out, std::string_view& problem);

/// Applies the masking key (RFC 6455, 5.3) in place; a zero key changes nothing and costs nothing.
void unmask(std::span<std::uint8_t> payload, const std::uint8_t (&key)[4]);

/// The same for a part of the payload that begins `offset` bytes behind its start; the original stays as it is.
void unmask_copy(base::Bytes part, std::size_t offset, const std::uint8_t (&key)[4], std::uint8_t* out);

/// Writes the header of an unmasked frame and returns its size (at most 10). `out` has room for it.
std::size_t write_frame_header(std::uint8_t* out, Opcode opcode, bool compressed, std::uint64_t payload_size,
                               bool fin = true);

}  // namespace crosspoint::transports
