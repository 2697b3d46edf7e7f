#include "base/chunk.hpp"

#include <array>
#include <cstdlib>
#include <cstring>
#include <new>

namespace crosspoint::base {
namespace {

constexpr std::array<std::uint32_t, 3> kCachedCapacities{Chunk::kSmall, Chunk::kMedium, Chunk::kLarge};
/// AddressSanitizer cannot see errors in memory that is reused behind its back.
#if defined(__has_feature)
constexpr bool kReuse = !__has_feature(address_sanitizer);
#elif defined(__SANITIZE_ADDRESS__)
constexpr bool kReuse = false;
#else
constexpr bool kReuse = true;
#endif
/// Per thread and capacity: about 2 MiB of each at most.
constexpr std::array<std::size_t, 3> kCacheLimits{kReuse ? 1024 : 0, kReuse ? 128 : 0, kReuse ? 32 : 0};

/// The freed blocks of one capacity, as a list threaded through the blocks themselves.
struct FreeList {
  void* head = nullptr;
  std::size_t count = 0;
};

class Cache {
 public:
  ~Cache() {
    for (auto& list : lists_) {
      while (void* block = pop(list)) std::free(block);
    }
    closed_ = true;
  }

  void* take(std::size_t index) { return pop(lists_[index]); }

  bool give(std::size_t index, void* block) {
    auto& list = lists_[index];
    if (closed_ || list.count >= kCacheLimits[index]) return false;
    std::memcpy(block, &list.head, sizeof list.head);
    list.head = block;
    ++list.count;
    return true;
  }

 private:
  static void* pop(FreeList& list) {
    void* block = list.head;
    if (block != nullptr) {
      std::memcpy(&list.head, block, sizeof list.head);
      --list.count;
    }
    return block;
  }

  std::array<FreeList, 3> lists_;
  bool closed_ = false;  // a chunk may be freed by a thread-local destructor that runs after ours
};

thread_local Cache cache;

std::size_t class_of(std::size_t capacity) {
  for (std::size_t i = 0; i < kCachedCapacities.size(); ++i) {
    if (capacity <= kCachedCapacities[i]) return i;
  }
  return kCachedCapacities.size();
}

}  // namespace

Chunk* Chunk::create(std::size_t capacity) {
  if (capacity > kMaxCapacity) throw std::bad_alloc();
  const std::size_t index = class_of(capacity);
  const std::size_t actual = index < kCachedCapacities.size() ? kCachedCapacities[index] : capacity;
  void* block = index < kCachedCapacities.size() ? cache.take(index) : nullptr;
  if (block == nullptr) block = std::malloc(sizeof(Chunk) + actual);
  if (block == nullptr) throw std::bad_alloc();
  return new (block) Chunk(static_cast<std::uint32_t>(actual));
}

void Chunk::destroy(Chunk* chunk) {
  const std::size_t index = class_of(chunk->capacity_);
  chunk->~Chunk();
  if (index < kCachedCapacities.size() && cache.give(index, chunk)) return;
  std::free(chunk);
}

ChunkRef ChunkRef::copy_of(Bytes bytes) {
  ChunkRef result = make(bytes.empty() ? 1 : bytes.size());
  if (!bytes.empty()) std::memcpy(result->data(), bytes.data(), bytes.size());
  result->set_size(static_cast<std::uint32_t>(bytes.size()));
  return result;
}

}  // namespace crosspoint::base
