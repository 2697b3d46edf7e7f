#include <catch2/catch.hpp>

#include <string>

#include "base/chunk_writer.hpp"
#include "base/out_queue.hpp"
#include "base/random.hpp"

using namespace crosspoint::base;

namespace {

std::string contents(const OutQueue& queue) {
  std::vector<iovec> pieces(1000);
  const std::size_t used = queue.gather(pieces);
  std::string text;
  for (std::size_t i = 0; i < used; ++i) text.append(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len);
  return text;
}

std::size_t pieces(const OutQueue& queue) {
  std::vector<iovec> out(1000);
  return queue.gather(out);
}

}  // namespace

TEST_CASE("small pieces written to a queue are one piece for the kernel") {
  OutQueue queue;
  REQUIRE(queue.empty());
  for (int i = 0; i < 10; ++i) queue.append_copy(as_bytes("piece "));
  REQUIRE(queue.bytes() == 60);
  REQUIRE(pieces(queue) == 1);
  queue.consume(58);
  REQUIRE(contents(queue) == "e ");
  queue.append_copy(as_bytes("more"));
  REQUIRE(contents(queue) == "e more");
  queue.consume(6);
  REQUIRE(queue.empty());
  REQUIRE(queue.bytes() == 0);
}

TEST_CASE("shared pieces that follow one another in memory are referenced as one, without a copy") {
  ChunkWriter writer;
  OutQueue one;
  OutQueue two;
  for (int i = 0; i < 5; ++i) {
    const Slice slice = writer.store(as_bytes("event" + std::to_string(i)));
    one.append(slice);
    two.append(slice);
  }
  REQUIRE(pieces(one) == 1);
  REQUIRE(contents(two) == "event0event1event2event3event4");
  iovec first{};
  iovec second{};
  one.gather({&first, 1});
  two.gather({&second, 1});
  REQUIRE(first.iov_base == second.iov_base);
}

TEST_CASE("a small shared piece that does not follow is copied, a large one is referenced") {
  ChunkWriter writer;
  OutQueue queue;
  queue.append_copy(as_bytes("own "));
  queue.append(writer.store(as_bytes("small ")));
  REQUIRE(pieces(queue) == 1);
  const std::string large(OutQueue::kCopyBelow, 'x');
  const Slice slice = writer.store(as_bytes(large));
  queue.append(slice);
  REQUIRE(pieces(queue) == 2);
  queue.append_copy(as_bytes(" end"));
  REQUIRE(contents(queue) == "own small " + large + " end");
  REQUIRE(as_text(slice.bytes()) == large);  // nobody writes behind it
}

TEST_CASE("what is referenced is let go when it has been written") {
  const ChunkRef chunk = ChunkRef::copy_of(as_bytes(std::string(1000, 'x')));
  OutQueue queue;
  queue.append({chunk, 0, 1000});
  REQUIRE_FALSE(chunk.unique());
  queue.consume(999);
  REQUIRE_FALSE(chunk.unique());
  queue.consume(1);
  REQUIRE(chunk.unique());
  queue.append({chunk, 0, 1000});
  queue.clear();
  REQUIRE(chunk.unique());
}

TEST_CASE("a queue gives back in order what was put in, whatever the sizes") {
  Random random(3);
  ChunkWriter writer;
  OutQueue queue;
  std::string expected;
  std::string got;
  char letter = 'a';
  for (int step = 0; step < 5000; ++step) {
    const auto size = random.below(10) == 0 ? random.below(40000) : random.below(300);
    const std::string piece(size, letter);
    letter = letter == 'z' ? 'a' : static_cast<char>(letter + 1);
    switch (random.below(3)) {
      case 0:
        queue.append_copy(as_bytes(piece));
        break;
      case 1:
        if (size > 0) queue.append(writer.store(as_bytes(piece)));
        break;
      default:
        std::copy(piece.begin(), piece.end(), queue.reserve(size + 10));
        queue.commit(size);
    }
    expected += piece;
    REQUIRE(queue.bytes() == expected.size() - got.size());
    const std::string waiting = contents(queue);
    const auto written = random.below(waiting.size() + 1);
    got += waiting.substr(0, written);
    queue.consume(written);
  }
  got += contents(queue);
  REQUIRE(got == expected);
}

TEST_CASE("the kernel may take any part: what is left begins at the next byte, across pieces") {
  ChunkWriter writer;
  OutQueue queue;
  std::string expected;
  for (const std::size_t size : {5U, 600U, 3U, 20000U, 511U, 512U, 1U}) {
    const std::string piece(size, static_cast<char>('a' + expected.size() % 26));
    queue.append(ChunkWriter().store(as_bytes(piece)));
    queue.append_copy(as_bytes("-"));
    expected += piece + '-';
  }
  for (std::size_t step = 1; !expected.empty(); step = step * 2 % 1021) {
    const std::size_t written = std::min(step, expected.size());
    queue.consume(written);
    expected.erase(0, written);
    REQUIRE(queue.bytes() == expected.size());
    REQUIRE(contents(queue) == expected);
  }
  REQUIRE(queue.empty());
}

TEST_CASE("gather fills no more entries than it is given, from the front") {
  OutQueue queue;
  for (const char letter : {'a', 'b', 'c'}) {
    queue.append({ChunkRef::copy_of(as_bytes(std::string(OutQueue::kCopyBelow, letter))), 0, OutQueue::kCopyBelow});
  }
  std::vector<iovec> two(2);
  REQUIRE(queue.gather(two) == 2);
  REQUIRE(*static_cast<const char*>(two[1].iov_base) == 'b');
  REQUIRE(queue.gather({}) == 0);
}

TEST_CASE("space that is reserved and not used is not written, nor what was to come before it") {
  OutQueue queue;
  queue.append_copy(as_bytes("before"));
  std::memcpy(queue.reserve(100), "used", 4);
  queue.commit(4);
  queue.reserve(50000);
  REQUIRE(contents(queue) == "beforeused");
  queue.append_copy(as_bytes(" after"));
  REQUIRE(contents(queue) == "beforeused after");
  queue.append_copy({});
  REQUIRE(queue.bytes() == 16);
}

TEST_CASE("a piece shared with others is lengthened only by what follows it in the same chunk") {
  ChunkWriter writer;
  OutQueue queue;
  const std::string large(OutQueue::kCopyBelow, 'x');
  const Slice first = writer.store(as_bytes(large));
  const Slice skipped = writer.store(as_bytes("skipped"));
  const Slice third = writer.store(as_bytes(large));
  queue.append(first);
  queue.append(third);
  REQUIRE(pieces(queue) == 2);
  queue.consume(first.size + 10);
  queue.append(third);  // once more: it does not follow itself
  REQUIRE(contents(queue) == large.substr(10) + large);
  REQUIRE(as_text(skipped.bytes()) == "skipped");
}

TEST_CASE("a queue of many pieces lets go of each as it is written") {
  OutQueue queue;
  std::vector<ChunkRef> chunks;
  for (int i = 0; i < 200; ++i) {
    chunks.push_back(ChunkRef::copy_of(as_bytes(std::string(600, 'x'))));
    queue.append({chunks.back(), 0, 600});
  }
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    REQUIRE_FALSE(chunks[i].unique());
    queue.consume(600);
    REQUIRE(chunks[i].unique());
    REQUIRE(queue.bytes() == 600 * (chunks.size() - i - 1));
  }
}

TEST_CASE("ChunkWriter starts over in memory that nobody refers to any more") {
  ChunkWriter writer(Chunk::kSmall);
  const Slice kept = writer.store(as_bytes("kept"));
  const void* first = kept.chunk.get();
  const Slice next = writer.reserve(Chunk::kSmall);
  REQUIRE(next.chunk.get() != first);
  REQUIRE(as_text(kept.bytes()) == "kept");
  const void* second = nullptr;
  { second = writer.reserve(Chunk::kSmall).chunk.get(); }
  REQUIRE(writer.reserve(Chunk::kSmall).chunk.get() == second);
  REQUIRE(writer.reserve(100000).size == 100000);
}

TEST_CASE("what is appended to be spread fills the chunks") {
  OutQueue queue;
  std::string expected;
  for (int i = 0; i < 100; ++i) {
    const std::string record(17 * 100 + static_cast<std::size_t>(i), static_cast<char>('a' + i % 26));
    queue.append_spread(as_bytes(record));
    expected += record;
  }
  REQUIRE(queue.bytes() == expected.size());
  REQUIRE(contents(queue) == expected);
  REQUIRE(pieces(queue) == 1 + (expected.size() - Chunk::kSmall + Chunk::kMedium - 1) / Chunk::kMedium);
  queue.consume(1000);
  queue.append_spread({});
  REQUIRE(contents(queue) == expected.substr(1000));
}
