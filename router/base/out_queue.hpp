#pragma once

#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <vector>

#include "base/chunk.hpp"

namespace crosspoint::base {

/// What waits to be written to one connection: small pieces copied together, large or shared ones referenced.
/// Belongs to one thread. An empty queue holds no chunk.
class OutQueue {
 public:
  /// Shared pieces shorter than this are copied when they cannot simply lengthen the last reference: a further
  /// entry costs the kernel more than the copy.
  static constexpr std::size_t kCopyBelow = 512;

  bool empty() const { return head_ == slices_.size(); }
  std::size_t bytes() const { return bytes_; }

  /// Appends bytes that others may share.
  void append(const Slice& slice) {
    if (!empty()) {
      Slice& last = slices_.back();
      if (last.chunk.get() == slice.chunk.get() && last.offset + last.size == slice.offset) {
        last.size += slice.size;
        bytes_ += slice.size;
        tail_is_ours_ = false;
        return;
      }
      if (slice.size < kCopyBelow) return append_copy(slice.bytes());
    }
    push(slice, false);
  }

  /// Appends a copy.
  void append_copy(Bytes piece) {
    if (piece.empty()) return;
    std::memcpy(reserve(piece.size()), piece.data(), piece.size());
    commit(piece.size());
  }

  /// Appends a copy that may be spread over several chunks, so that it fills them.
  void append_spread(Bytes piece) {
    while (!piece.empty()) {
      std::uint8_t* const space = reserve(1);
      const std::size_t part = std::min<std::size_t>(piece.size(), slices_.back().chunk->room());
      std::memcpy(space, piece.data(), part);
      commit(part);
      piece = piece.subspan(part);
    }
  }

  /// Appends all of `other`, which is empty then.
  void splice(OutQueue& other);

  /// Contiguous space for `size` bytes at the end. Valid until the next call that changes the queue.
  std::uint8_t* reserve(std::size_t size) {
    if (empty() || !tail_is_ours_ || slices_.back().chunk->room() < size) grow(size);
    const Slice& last = slices_.back();
    return last.chunk->data() + last.offset + last.size;
  }

  /// Makes the first `size` bytes of the space reserved last part of the queue.
  void commit(std::size_t size) {
    Slice& last = slices_.back();
    last.size += static_cast<std::uint32_t>(size);
    last.chunk->set_size(last.offset + last.size);
    bytes_ += size;
  }

  /// Fills `out` with what is to be written next and returns how many entries are used.
  std::size_t gather(std::span<iovec> out) const {
    std::size_t used = 0;
    for (std::size_t i = head_; i < slices_.size() && used < out.size(); ++i) {
      const Slice& slice = slices_[i];
      if (slice.size == 0) continue;
      out[used++] = {slice.chunk->data() + slice.offset, slice.size};
    }
    return used;
  }

  /// Removes `size` bytes from the front: they have been written.
  void consume(std::size_t size);
  void clear();

 private:
  void push(const Slice& slice, bool ours) {
    slices_.push_back(slice);
    bytes_ += slice.size;
    tail_is_ours_ = ours;
  }
  void grow(std::size_t size);

  std::vector<Slice> slices_;
  std::size_t head_ = 0;  // slices before it have been written
  std::size_t bytes_ = 0;
  bool tail_is_ours_ = false;  // nobody else refers to the last slice's chunk, so that we may write behind it
};

}  // namespace crosspoint::base
