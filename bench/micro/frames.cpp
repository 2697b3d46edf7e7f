#include <benchmark/benchmark.h>

#include <cstring>
#include <vector>

#include "micro/allocations.hpp"
#include "transports/websocket_frame.hpp"

/// What the WebSocket costs before a message can be decoded: reading the header and taking off the mask.
namespace crosspoint::bench {
namespace {

void parse_and_unmask(benchmark::State& state) {
  const auto size = static_cast<std::size_t>(state.range(0));
  std::vector<std::uint8_t> frame(transports::kMaxFrameHeader + size, 0x5a);
  const std::size_t header_size = transports::write_frame_header(frame.data(), transports::Opcode::binary, false, size);
  frame[1] |= 0x80;
  constexpr std::uint8_t kKey[4] = {0x12, 0x34, 0x56, 0x78};
  std::memcpy(frame.data() + header_size, kKey, sizeof kKey);
  const AllocationCounter counter(state, size);
  for (auto _ : state) {
    transports::FrameHeader header;
    std::string_view problem;
    if (transports::parse_frame_header(frame, header, problem) != transports::FrameParse::complete) {
      return state.SkipWithError("malformed");
    }
    transports::unmask(std::span(frame).subspan(header.size, header.payload_size), header.key);
    benchmark::ClobberMemory();
  }
}

void write_header(benchmark::State& state) {
  const auto size = static_cast<std::uint64_t>(state.range(0));
  std::uint8_t out[transports::kMaxFrameHeader];
  const AllocationCounter counter(state);
  for (auto _ : state) {
    benchmark::DoNotOptimize(transports::write_frame_header(out, transports::Opcode::binary, false, size));
    benchmark::ClobberMemory();
  }
}

BENCHMARK(parse_and_unmask)->Arg(64)->Arg(1024)->Arg(128 * 1024);
BENCHMARK(write_header)->Arg(64)->Arg(128 * 1024);

}  // namespace
}  // namespace crosspoint::bench
