#include "connection/event_run.hpp"

#include <algorithm>

#include "connection/connection.hpp"

namespace crosspoint::connection {
namespace {

/// Larger payloads cost more than the touch of a connection.
constexpr std::size_t kLargestPayload = 2048;
/// So much is given to the receivers before the turn ends.
constexpr std::size_t kMostBytes = 32 * 1024;
/// How many receivers ahead memory is asked for: of many receivers none is in a cache.
constexpr std::size_t kAhead = 8;

Connection& connection_of(const realm::Session& session) { return static_cast<Connection&>(*session.peer); }

}  // namespace

void EventRun::begin(std::span<realm::Session* const> receivers, const FrameMakers& makers) {
  receivers_.assign(receivers.begin(), receivers.end());
  makers_ = makers;
  for (std::size_t key = 0; key < kFrameKeys; ++key) {
    batches_[key].joined = makers[key] != nullptr && makers[key]->joins_frames();
  }
}

void EventRun::end() {
  receivers_.clear();
  for (Batch& batch : batches_) {
    batch.pieces.clear();
    batch.bytes = 0;
    batch.writer.release();
  }
  bytes_ = 0;
}

bool EventRun::is_for(std::span<realm::Session* const> receivers) const {
  return std::equal(receivers.begin(), receivers.end(), receivers_.begin(), receivers_.end());
}

bool EventRun::add(const wamp::Message& event, serializers::Encoder& encoder, std::uint32_t& inexpressible) {
  if (std::get<wamp::Event>(event).payload.bytes.size() > kLargestPayload) return false;
  if (bytes_ > kMostBytes) settle();
  for (std::size_t key = 0; key < kFrameKeys; ++key) {
    if (makers_[key] == nullptr) continue;
    const auto encoding = static_cast<wamp::Encoding>(key % wamp::kEncodings);
    serializers::EncodedMessage encoded;
    if (!encoder.encode(event, encoding, encoded)) {
      inexpressible |= 1U << static_cast<unsigned>(encoding);
      continue;
    }
    append(batches_[key], makers_[key]->make_frame(encoded, batches_[key].writer).start);
  }
  return true;
}

void EventRun::append(Batch& batch, const base::Slice& frame) {
  Piece* last = batch.pieces.empty() ? nullptr : &batch.pieces.back();
  if (last == nullptr || last->whole.chunk.get() != frame.chunk.get() ||
      last->whole.offset + last->whole.size != frame.offset) {
    last = &batch.pieces.emplace_back(Piece{{frame.chunk, frame.offset, 0}, {}});
  }
  last->whole.size += frame.size;
  last->sizes.push_back(frame.size);
  batch.bytes += frame.size;
  bytes_ += frame.size;
}

void EventRun::settle() {
  bytes_ = 0;  // what is sent below may lead back here
  for (std::size_t i = 0; i < receivers_.size(); ++i) {
    if (i + 2 * kAhead < receivers_.size()) __builtin_prefetch(&receivers_[i + 2 * kAhead]->peer);
    if (i + kAhead < receivers_.size()) connection_of(*receivers_[i + kAhead]).prefetch();
    Connection& connection = connection_of(*receivers_[i]);
    const Batch& batch = batches_[static_cast<std::size_t>(connection.frame_key())];
    const bool all = batch.joined && connection.has_room_for(batch.bytes);
    for (const Piece& piece : batch.pieces) {
      if (all && connection.port().send(transports::SharedFrame{piece.whole, {}, {}})) continue;
      base::Slice event = piece.whole;
      for (const std::uint32_t size : piece.sizes) {
        event.size = size;
        if (connection.has_room_for_event()) connection.send_event({event, {}, {}});
        event.offset += size;
      }
    }
  }
  for (Batch& batch : batches_) {
    batch.pieces.clear();
    batch.bytes = 0;
  }
}

}  // namespace crosspoint::connection
