#include "transports/websocket_frame.hpp"

#include <algorithm>
#include <cstring>

namespace crosspoint::transports {
namespace {

std::uint64_t big_endian(const std::uint8_t* at, std::size_t size) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < size; ++i) number = number << 8 | at[i];
  return number;
}

bool is_known(Opcode opcode) {
  const auto number = static_cast<unsigned>(opcode);
  return number <= 2 || (number >= 8 && number <= 10);
}

}  // namespace

bool is_valid_close_code(std::uint16_t code) {
  if (code >= 3000) return code <= 4999;
  return code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006;
}

FrameParse parse_frame_header(base::Bytes bytes, FrameHeader& out, std::string_view& problem) {
  if (bytes.size() < 2) return FrameParse::incomplete;
  const std::uint8_t first = bytes[0];
  const std::uint8_t length = bytes[1] & 0x7f;
  out.fin = (first & 0x80) != 0;
  out.rsv1 = (first & 0x40) != 0;
  out.opcode = static_cast<Opcode>(first & 0x0f);
  out.masked = (bytes[1] & 0x80) != 0;
  const auto fail = [&problem](std::string_view text) {
    problem = text;
    return FrameParse::bad;
  };
  if ((first & 0x30) != 0) return fail("a frame with reserved bits set");
  if (!is_known(out.opcode)) return fail("a frame with a reserved opcode");
  if (out.opcode >= Opcode::close && (!out.fin || length > 125))
    return fail("a control frame that is long or fragmented");
  const std::size_t length_size = length == 126 ? 2 : length == 127 ? 8 : 0;
  const std::size_t size = 2 + length_size + (out.masked ? 4 : 0);
  if (bytes.size() < size) return FrameParse::incomplete;
  out.size = static_cast<std::uint8_t>(size);
  out.payload_size = length_size == 0 ? length : big_endian(bytes.data() + 2, length_size);
  if ((length_size == 2 && out.payload_size < 126) || (length_size == 8 && out.payload_size < 65536)) {
    return fail("a frame whose length is not in the shortest form");
  }
  if ((out.payload_size >> 63) != 0) return fail("a frame whose length has the highest bit set");
  if (out.masked) std::memcpy(out.key, bytes.data() + size - 4, 4);
  return FrameParse::complete;
}

void unmask(std::span<std::uint8_t> payload, const std::uint8_t (&key)[4]) {
  std::uint32_t word = 0;
  std::memcpy(&word, key, 4);
  if (word == 0) return;
  const std::uint64_t wide = static_cast<std::uint64_t>(word) << 32 | word;
  std::uint8_t* at = payload.data();
  std::size_t left = payload.size();
  for (; left >= 8; at += 8, left -= 8) {  // compilers turn this into vector code
    std::uint64_t block = 0;
    std::memcpy(&block, at, 8);
    block ^= wide;
    std::memcpy(at, &block, 8);
  }
  for (std::size_t i = 0; i < left; ++i) at[i] ^= key[i & 3];
}

void unmask_copy(base::Bytes part, std::size_t offset, const std::uint8_t (&key)[4], std::uint8_t* out) {
  std::uint8_t turned[4];
  for (std::size_t i = 0; i < 4; ++i) turned[i] = key[(offset + i) & 3];
  std::copy(part.begin(), part.end(), out);
  unmask({out, part.size()}, turned);
}

std::size_t write_frame_header(std::uint8_t* out, Opcode opcode, bool compressed, std::uint64_t payload_size,
                               bool fin) {
  out[0] = static_cast<std::uint8_t>((fin ? 0x80 : 0) | (compressed ? 0x40 : 0) | static_cast<unsigned>(opcode));
  std::size_t length_size = 0;
  if (payload_size < 126) {
    out[1] = static_cast<std::uint8_t>(payload_size);
  } else {
    length_size = payload_size < 65536 ? 2 : 8;
    out[1] = length_size == 2 ? 126 : 127;
  }
  for (std::size_t i = 0; i < length_size; ++i) {
    out[2 + i] = static_cast<std::uint8_t>(payload_size >> (8 * (length_size - 1 - i)));
  }
  return 2 + length_size;
}

}  // namespace crosspoint::transports
