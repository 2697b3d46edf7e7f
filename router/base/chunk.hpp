#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/bytes.hpp"

namespace crosspoint::base {

/// A reference-counted block of bytes that is written once and then only read, so that several out-queues, and
/// several threads, can send from the same memory. Freed blocks of the usual sizes go to a small cache of the thread
/// that frees them, so that the steady state allocates nothing.
class alignas(16) Chunk {  // so that the bytes behind it are aligned, too
 public:
  /// The capacities that are cached. Others are taken from and given back to the heap.
  static constexpr std::uint32_t kSmall = 2 * 1024 - 32;
  static constexpr std::uint32_t kMedium = 16 * 1024 - 32;
  static constexpr std::uint32_t kLarge = 64 * 1024 - 32;
  /// A Chunk never holds more than this (2 GiB).
  static constexpr std::size_t kMaxCapacity = std::size_t{1} << 31;

  std::uint8_t* data() { return reinterpret_cast<std::uint8_t*>(this) + sizeof(Chunk); }
  const std::uint8_t* data() const { return reinterpret_cast<const std::uint8_t*>(this) + sizeof(Chunk); }
  std::uint32_t capacity() const { return capacity_; }
  /// Bytes written so far; only the writer may read or change it.
  std::uint32_t size() const { return size_; }
  void set_size(std::uint32_t size) { size_ = size; }
  std::uint32_t room() const { return capacity_ - size_; }

 private:
  friend class ChunkRef;
  explicit Chunk(std::uint32_t capacity) : capacity_(capacity) {}
  static Chunk* create(std::size_t capacity);
  static void destroy(Chunk* chunk);

  std::atomic<std::uint32_t> references_{1};
  std::uint32_t capacity_;
  std::uint32_t size_ = 0;
};

/// Owning pointer to a Chunk. Copies may live on different threads.
class ChunkRef {
 public:
  ChunkRef() = default;
  /// A fresh chunk with room for at least `capacity` bytes (1 to Chunk::kMaxCapacity).
  static ChunkRef make(std::size_t capacity) { return ChunkRef(Chunk::create(capacity)); }
  /// A fresh chunk that holds a copy of `bytes`.
  static ChunkRef copy_of(Bytes bytes);

  ChunkRef(const ChunkRef& other) noexcept : chunk_(other.chunk_) {
    if (chunk_ != nullptr) chunk_->references_.fetch_add(1, std::memory_order_relaxed);
  }
  ChunkRef(ChunkRef&& other) noexcept : chunk_(std::exchange(other.chunk_, nullptr)) {}
  ChunkRef& operator=(ChunkRef other) noexcept {
    std::swap(chunk_, other.chunk_);
    return *this;
  }
  ~ChunkRef() {
    if (chunk_ != nullptr && chunk_->references_.fetch_sub(1, std::memory_order_acq_rel) == 1) Chunk::destroy(chunk_);
  }

  Chunk* get() const { return chunk_; }
  Chunk* operator->() const { return chunk_; }
  Chunk& operator*() const { return *chunk_; }
  explicit operator bool() const { return chunk_ != nullptr; }
  void reset() { *this = ChunkRef(); }
  /// True if nobody else holds this chunk, so that it may be written again from the start.
  bool unique() const { return chunk_->references_.load(std::memory_order_acquire) == 1; }

 private:
  explicit ChunkRef(Chunk* chunk) : chunk_(chunk) {}
  Chunk* chunk_ = nullptr;
};

/// A part of a Chunk, kept alive by it.
struct Slice {
  ChunkRef chunk;
  std::uint32_t offset = 0;
  std::uint32_t size = 0;

  Bytes bytes() const { return chunk ? Bytes{chunk->data() + offset, size} : Bytes{}; }
};

}  // namespace crosspoint::base
