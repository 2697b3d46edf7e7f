#include <catch2/catch.hpp>

#include <string>
#include <thread>
#include <vector>

#include "base/chunk_writer.hpp"

using namespace crosspoint::base;

namespace {

#if defined(__has_feature)
constexpr bool kReused = !__has_feature(address_sanitizer);
#elif defined(__SANITIZE_ADDRESS__)
constexpr bool kReused = false;
#else
constexpr bool kReused = true;
#endif

}  // namespace

TEST_CASE("a chunk has the next usual size that suffices, or else just the size asked for") {
  REQUIRE(ChunkRef::make(1)->capacity() == Chunk::kSmall);
  REQUIRE(ChunkRef::make(Chunk::kSmall)->capacity() == Chunk::kSmall);
  REQUIRE(ChunkRef::make(Chunk::kSmall + 1)->capacity() == Chunk::kMedium);
  REQUIRE(ChunkRef::make(Chunk::kMedium + 1)->capacity() == Chunk::kLarge);
  REQUIRE(ChunkRef::make(Chunk::kLarge + 1)->capacity() == Chunk::kLarge + 1);
}

TEST_CASE("a chunk's bytes are aligned for any type") {
  for (const std::uint32_t size : {1U, Chunk::kMedium, 1000001U}) {
    REQUIRE(reinterpret_cast<std::uintptr_t>(ChunkRef::make(size)->data()) % alignof(std::max_align_t) == 0);
  }
}

TEST_CASE("a freed chunk of a usual size is the next one handed out, empty again") {
  if (!kReused) return;
  for (const std::uint32_t size : {Chunk::kSmall, Chunk::kMedium, Chunk::kLarge}) {
    auto chunk = ChunkRef::make(size);
    const void* place = chunk.get();
    chunk->set_size(size);
    chunk.reset();
    REQUIRE_FALSE(chunk);
    const auto again = ChunkRef::make(size);
    REQUIRE(again.get() == place);
    REQUIRE(again->size() == 0);
    REQUIRE(again->room() == size);
    REQUIRE(again.unique());
  }
}

TEST_CASE("copying, moving and assigning references keep the count of holders") {
  auto one = ChunkRef::copy_of(as_bytes("abc"));
  ChunkRef two = one;
  REQUIRE_FALSE(one.unique());
  const ChunkRef three = std::move(two);
  REQUIRE_FALSE(two);
  REQUIRE(three.get() == one.get());
  one = ChunkRef();
  REQUIRE(three.unique());
  ChunkRef four = ChunkRef::make(1);
  four = three;
  four = *&four;  // itself
  REQUIRE(as_text({four->data(), four->size()}) == "abc");
}

TEST_CASE("a chunk may be let go by another thread than the one that made it") {
  std::vector<ChunkRef> chunks;
  for (int i = 0; i < 100; ++i) chunks.push_back(ChunkRef::copy_of(as_bytes(std::string(1000, 'x'))));
  const auto kept = chunks;
  std::thread other([taken = std::move(chunks)]() mutable { taken.clear(); });
  other.join();
  for (const auto& chunk : kept) REQUIRE(chunk.unique());
}

TEST_CASE("copying nothing gives an empty chunk, a slice of nothing has no bytes") {
  REQUIRE(ChunkRef::copy_of({})->size() == 0);
  REQUIRE(Slice{}.bytes().empty());
}

TEST_CASE("a writer places pieces one behind the other until the chunk is full") {
  ChunkWriter writer(Chunk::kSmall);
  const Slice first = writer.store(as_bytes("first"));
  const Slice second = writer.store(as_bytes("second"));
  REQUIRE(second.chunk.get() == first.chunk.get());
  REQUIRE(second.offset == first.offset + first.size);
  const Slice filling = writer.reserve(first.chunk->room());
  REQUIRE(filling.chunk.get() == first.chunk.get());
  const Slice next = writer.store(as_bytes("next"));
  REQUIRE(next.chunk.get() != first.chunk.get());
  REQUIRE(as_text(first.bytes()) == "first");
  REQUIRE(as_text(second.bytes()) == "second");
  REQUIRE(as_text(next.bytes()) == "next");
}

TEST_CASE("a writer that is released holds no memory; slices keep theirs") {
  ChunkWriter writer;
  const Slice slice = writer.store(as_bytes("kept"));
  REQUIRE_FALSE(slice.chunk.unique());
  writer.release();
  REQUIRE(slice.chunk.unique());
  REQUIRE(as_text(slice.bytes()) == "kept");
  REQUIRE(as_text(writer.store(as_bytes("more")).bytes()) == "more");
}
