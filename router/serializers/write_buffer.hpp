#pragma once

#include <array>
#include <cstring>
#include <vector>

#include "base/bytes.hpp"

namespace crosspoint::serializers {

/// Where writers write: a few hundred bytes in place, more on the heap when a message needs it. Made to be used again
/// and again.
class WriteBuffer {
 public:
  /// Space for `size` more bytes; advance() makes them count.
  std::uint8_t* reserve(std::size_t size) {
    if (size_ + size > capacity_) grow(size);
    return data_ + size_;
  }
  void advance(std::size_t size) { size_ += size; }

  void append(base::Bytes bytes) {
    if (bytes.empty()) return;
    std::memcpy(reserve(bytes.size()), bytes.data(), bytes.size());
    size_ += bytes.size();
  }
  void append(std::string_view text) { append(base::as_bytes(text)); }
  void push(std::uint8_t byte) {
    *reserve(1) = byte;
    ++size_;
  }

  /// Makes room for `size` bytes before those from `at` on.
  void insert(std::size_t at, std::size_t size) {
    reserve(size);
    std::memmove(data_ + at + size, data_ + at, size_ - at);
    size_ += size;
  }
  std::uint8_t* data() { return data_; }

  /// Forgets what stands behind the first `size` bytes.
  void cut(std::size_t size) { size_ = size; }
  void clear() { size_ = 0; }
  std::size_t size() const { return size_; }
  base::Bytes bytes() const { return {data_, size_}; }

  WriteBuffer() = default;
  WriteBuffer(const WriteBuffer&) = delete;
  WriteBuffer& operator=(const WriteBuffer&) = delete;

 private:
  void grow(std::size_t size) {
    std::vector<std::uint8_t> larger(std::max(capacity_ * 2, size_ + size));
    std::memcpy(larger.data(), data_, size_);
    heap_.swap(larger);
    data_ = heap_.data();
    capacity_ = heap_.size();
  }

  std::array<std::uint8_t, 512> inline_;
  std::vector<std::uint8_t> heap_;
  std::uint8_t* data_ = inline_.data();
  std::size_t capacity_ = 512;
  std::size_t size_ = 0;
};

}  // namespace crosspoint::serializers
