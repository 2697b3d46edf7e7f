#include "transports/message_batch.hpp"

#include <algorithm>
#include <array>

#include "transports/framed_message.hpp"

namespace crosspoint::transports {
namespace {

constexpr std::size_t kLengthSize = 4;

using Length = std::array<std::uint8_t, kLengthSize>;

Length length_bytes(std::size_t size) {
  return {static_cast<std::uint8_t>(size >> 24), static_cast<std::uint8_t>(size >> 16),
          static_cast<std::uint8_t>(size >> 8), static_cast<std::uint8_t>(size)};
}

std::size_t read_length(base::Bytes bytes) {
  return std::size_t{bytes[0]} << 24 | std::size_t{bytes[1]} << 16 | std::size_t{bytes[2]} << 8 | bytes[3];
}

}  // namespace

void MessageBatch::finish() {
  if (is_text_) queue_.append_copy({&separator_, 1});
}

void MessageBatch::add(const serializers::EncodedMessage& message) {
  const Length length = length_bytes(message.size());
  append_framed(queue_, is_text_ ? base::Bytes() : base::Bytes(length), message);
  finish();
}

void MessageBatch::add(const SharedFrame& frame) {
  append_shared(queue_, frame);
  finish();
}

SharedFrame MessageBatch::make_frame(const serializers::EncodedMessage& message, base::ChunkWriter& writer) const {
  const Length length = length_bytes(message.size());
  return share_framed(writer, is_text_ ? base::Bytes() : base::Bytes(length), message);
}

std::string_view MessageBatch::check(base::Bytes batch) {
  if (batch.empty()) return "a batch without messages";
  if (is_text_) {
    if (!is_separator(batch.back())) return "a batch whose last message does not end in the separator 0x1E";
    separator_ = batch.back();
    return {};
  }
  while (!batch.empty()) {
    if (batch.size() < kLengthSize) return "a batch that ends within the length of a message";
    const std::size_t size = read_length(batch);
    if (size > batch.size() - kLengthSize) return "a batch that ends before its last message does";
    batch = batch.subspan(kLengthSize + size);
  }
  return {};
}

std::span<std::uint8_t> MessageBatch::take(std::span<std::uint8_t>& batch) const {
  std::size_t start = 0;
  std::size_t size = 0;
  if (is_text_) {
    const auto at = std::find_if(batch.begin(), batch.end(), [this](std::uint8_t byte) { return is_separator(byte); });
    size = static_cast<std::size_t>(at - batch.begin());
  } else {
    start = kLengthSize;
    size = read_length(batch);
  }
  const auto message = batch.subspan(start, size);
  batch = batch.subspan(start + size + (is_text_ ? 1 : 0));
  return message;
}

}  // namespace crosspoint::transports
