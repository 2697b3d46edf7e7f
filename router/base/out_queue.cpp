#include "base/out_queue.hpp"

namespace crosspoint::base {
namespace {

/// An empty queue keeps a vector this long, so that a quiet session does not allocate for each message.
constexpr std::size_t kKeptSlices = 8;

}  // namespace

void OutQueue::grow(std::size_t size) {
  // The first chunk of a queue is small, for the many sessions that get one message a turn.
  std::size_t capacity = empty() ? Chunk::kSmall : Chunk::kMedium;
  if (size > capacity) capacity = size;
  push(Slice{ChunkRef::make(capacity), 0, 0}, true);
}

void OutQueue::consume(std::size_t size) {
  bytes_ -= size;
  while (head_ < slices_.size()) {
    Slice& slice = slices_[head_];
    if (size < slice.size) {
      slice.offset += static_cast<std::uint32_t>(size);
      slice.size -= static_cast<std::uint32_t>(size);
      break;
    }
    size -= slice.size;
    slice = Slice{};
    ++head_;
  }
  if (head_ == slices_.size()) return clear();
  if (head_ > 64 && head_ * 2 > slices_.size()) {
    slices_.erase(slices_.begin(), slices_.begin() + static_cast<std::ptrdiff_t>(head_));
    head_ = 0;
  }
}

void OutQueue::splice(OutQueue& other) {
  for (std::size_t i = other.head_; i < other.slices_.size(); ++i) push(other.slices_[i], other.tail_is_ours_);
  other.clear();
}

void OutQueue::clear() {
  slices_.clear();
  if (slices_.capacity() > kKeptSlices) slices_.shrink_to_fit();
  head_ = 0;
  bytes_ = 0;
  tail_is_ours_ = false;
}

}  // namespace crosspoint::base
