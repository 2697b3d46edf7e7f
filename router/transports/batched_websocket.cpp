#include "transports/batched_websocket.hpp"

#include <array>
#include <utility>
#include <vector>

namespace crosspoint::transports {

BatchedWebSocketProtocol::BatchedWebSocketProtocol(Stream& stream, const settings::WebSocketOptions& options,
                                                   WebSocketSession session)
    : WebSocketProtocol(stream, options, std::move(session)), batch_(data_opcode() == Opcode::text) {
  stream.ask_before_writing();
}

void BatchedWebSocketProtocol::deliver(std::span<std::uint8_t> payload, const base::ChunkRef& owner) {
  if (const auto problem = batch_.check(payload); !problem.empty()) return handler().on_garbled(problem);
  while (!payload.empty() && is_open()) handler().on_message(batch_.take(payload), owner);
}

template <class Message>
bool BatchedWebSocketProtocol::add(const Message& message) {
  if (!is_open()) return true;
  if (batch_.is_full(message.size())) send_batch();
  batch_.add(message);
  stream().wake();
  return true;
}

bool BatchedWebSocketProtocol::send(const serializers::EncodedMessage& message) { return add(message); }

bool BatchedWebSocketProtocol::send(const SharedFrame& frame) { return add(frame); }

void BatchedWebSocketProtocol::send_batch() {
  if (batch_.empty()) return;
  if (!is_plain()) return send_special_batch();
  base::OutQueue& messages = batch_.queue();
  std::uint8_t header[kMaxFrameHeader];
  const std::size_t size = write_frame_header(header, data_opcode(), false, messages.bytes());
  stream().out().append_copy({header, size});
  stream().out().splice(messages);
}

void BatchedWebSocketProtocol::send_special_batch() {
  base::OutQueue& messages = batch_.queue();
  std::vector<std::uint8_t> whole;
  whole.reserve(messages.bytes());
  while (!messages.empty()) {
    std::array<iovec, 16> pieces;
    const std::size_t before = whole.size();
    for (const iovec& piece : std::span(pieces).first(messages.gather(pieces))) {
      const auto* const start = static_cast<const std::uint8_t*>(piece.iov_base);
      whole.insert(whole.end(), start, start + piece.iov_len);
    }
    messages.consume(whole.size() - before);
  }
  serializers::EncodedMessage message;
  message.head = whole;
  send_special(data_opcode(), message);
}

}  // namespace crosspoint::transports
