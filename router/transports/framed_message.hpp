#pragma once

#include "base/out_queue.hpp"
#include "serializers/serializers.hpp"
#include "transports/message_port.hpp"

/// A message behind the header of its frame, for any framing: small ones are copied together, large payloads that have
/// an owner are referenced.
namespace crosspoint::transports {

/// Payloads from this size on are referenced instead of copied, where they have an owner.
inline constexpr std::size_t kReferenceFrom = 4096;

/// Appends header and message to the queue of one connection.
void append_framed(base::OutQueue& out, base::Bytes header, const serializers::EncodedMessage& message);

/// The same as pieces that many connections share; what is copied goes to `writer`.
SharedFrame share_framed(base::ChunkWriter& writer, base::Bytes header, const serializers::EncodedMessage& message);

inline void append_shared(base::OutQueue& out, const SharedFrame& frame) {
  out.append(frame.start);
  if (frame.payload.size > 0) out.append(frame.payload);
  if (frame.end.size > 0) out.append(frame.end);
}

}  // namespace crosspoint::transports
