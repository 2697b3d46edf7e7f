#include "transports/framed_message.hpp"

#include <cstring>

namespace crosspoint::transports {
namespace {

bool refers(const serializers::EncodedMessage& message) {
  return message.payload_owner && message.payload.size() >= kReferenceFrom;
}

base::Slice payload_slice(const serializers::EncodedMessage& message) {
  const auto offset = static_cast<std::uint32_t>(message.payload.data() - message.payload_owner->data());
  return {message.payload_owner, offset, static_cast<std::uint32_t>(message.payload.size())};
}

std::uint8_t* put(std::uint8_t* at, base::Bytes bytes) {
  if (!bytes.empty()) std::memcpy(at, bytes.data(), bytes.size());
  return at + bytes.size();
}

}  // namespace

void append_framed(base::OutQueue& out, base::Bytes header, const serializers::EncodedMessage& message) {
  const bool refer = refers(message);
  const std::size_t copied = header.size() + message.size() - (refer ? message.payload.size() : 0);
  std::uint8_t* const start = out.reserve(copied);
  std::uint8_t* at = put(put(start, header), message.head);
  if (!refer) {
    put(put(at, message.payload), base::as_bytes(message.tail));
    return out.commit(copied);
  }
  out.commit(static_cast<std::size_t>(at - start));
  out.append(payload_slice(message));
  out.append_copy(base::as_bytes(message.tail));
}

SharedFrame share_framed(base::ChunkWriter& writer, base::Bytes header, const serializers::EncodedMessage& message) {
  SharedFrame frame;
  const bool refer = refers(message);
  frame.start =
      writer.reserve(header.size() + message.size() - (refer ? message.payload.size() + message.tail.size() : 0));
  std::uint8_t* const at = put(put(frame.start.chunk->data() + frame.start.offset, header), message.head);
  if (refer) {
    frame.payload = payload_slice(message);
    if (!message.tail.empty()) frame.end = writer.store(base::as_bytes(message.tail));
  } else {
    put(put(at, message.payload), base::as_bytes(message.tail));
  }
  return frame;
}

}  // namespace crosspoint::transports
