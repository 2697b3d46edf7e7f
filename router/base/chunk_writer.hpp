#pragma once

#include <cstring>

#include "base/chunk.hpp"

namespace crosspoint::base {

/// Places small pieces one behind the other in shared chunks and hands out slices of them. One thread writes; the
/// slices may go anywhere.
class ChunkWriter {
 public:
  explicit ChunkWriter(std::uint32_t chunk_capacity = Chunk::kMedium) : chunk_capacity_(chunk_capacity) {}

  /// Space for `size` bytes. Fill it before the next call and before anybody reads the slice.
  Slice reserve(std::size_t size) {
    if (!chunk_ || chunk_->room() < size) renew(size);
    Slice slice{chunk_, chunk_->size(), static_cast<std::uint32_t>(size)};
    chunk_->set_size(chunk_->size() + slice.size);
    return slice;
  }

  Slice store(Bytes bytes) {
    Slice slice = reserve(bytes.size());
    if (!bytes.empty()) std::memcpy(slice.chunk->data() + slice.offset, bytes.data(), bytes.size());
    return slice;
  }

  /// Lets go of the current chunk, so that an idle writer holds no memory.
  void release() { chunk_.reset(); }

 private:
  void renew(std::size_t size) {
    if (chunk_ && chunk_.unique() && chunk_->capacity() >= size) {
      chunk_->set_size(0);  // all slices of it are gone: start over in memory that is still in the cache
    } else {
      chunk_ = ChunkRef::make(size > chunk_capacity_ ? size : chunk_capacity_);
    }
  }

  std::uint32_t chunk_capacity_;
  ChunkRef chunk_;
};

}  // namespace crosspoint::base
