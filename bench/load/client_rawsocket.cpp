#include <fmt/core.h>

#include <cstring>

#include "load/client.hpp"
#include "load/failure.hpp"

namespace crosspoint::bench {

using transports::RawSocketFrameType;

void Client::greet_rawsocket() {
  // 0xf0: messages of up to 2^24 bytes are taken.
  const std::array<std::uint8_t, transports::kRawSocketHeader> hello{
      transports::kRawSocketMagic, static_cast<std::uint8_t>(0xf0 | serializer_.rawsocket_id), 0, 0};
  stream_->out().append_copy(hello);
  stream_->wake();
}

std::size_t Client::read_rawsocket_reply(std::span<const std::uint8_t> bytes) {
  if (bytes.size() < transports::kRawSocketHeader) return 0;
  if (bytes[0] != transports::kRawSocketMagic) fail("this is no RawSocket server");
  if ((bytes[1] & 0x0f) != serializer_.rawsocket_id) {
    fail(fmt::format("the router refuses RawSocket with error {}", bytes[1] >> 4));
  }
  join();
  return transports::kRawSocketHeader;
}

std::size_t Client::read_rawsocket_frame(std::span<std::uint8_t> bytes) {
  if (bytes.size() < transports::kRawSocketHeader) return 0;
  transports::RawSocketFrame frame;
  if (!transports::parse_rawsocket_frame(bytes.first(transports::kRawSocketHeader), frame)) {
    fail("the router sends a RawSocket frame of an unknown type");
  }
  const std::size_t size = transports::kRawSocketHeader + frame.payload_size;
  if (bytes.size() < size) {
    wanted_ = size;
    return 0;
  }
  const auto payload = bytes.subspan(transports::kRawSocketHeader, frame.payload_size);
  if (frame.type == RawSocketFrameType::regular) {
    on_payload(payload);
  } else if (frame.type == RawSocketFrameType::ping) {
    send_rawsocket_frame(RawSocketFrameType::pong, payload, {}, {});
  }
  return size;
}

void Client::send_rawsocket_frame(RawSocketFrameType type, base::Bytes head, base::Bytes payload,
                                  std::string_view tail) {
  if (stream_ == nullptr) return;
  const std::size_t size = head.size() + payload.size() + tail.size();
  const auto header = transports::rawsocket_header(type, size);
  std::uint8_t* at = stream_->out().reserve(header.size() + size);
  for (const base::Bytes part : {base::Bytes(header), head, payload, base::as_bytes(tail)}) {
    if (!part.empty()) std::memcpy(at, part.data(), part.size());
    at += part.size();
  }
  stream_->out().commit(header.size() + size);
  stream_->wake();
}

}  // namespace crosspoint::bench
