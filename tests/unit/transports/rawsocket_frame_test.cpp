#include <catch2/catch.hpp>

#include <vector>

#include "transports/rawsocket_frame.hpp"

using namespace crosspoint;
using namespace crosspoint::transports;

namespace {

using Bytes = std::vector<std::uint8_t>;

}  // namespace

TEST_CASE("a RawSocket client's handshake says what it takes and how it writes") {
  const auto hello = parse_rawsocket_hello(Bytes{0x7f, 0xf1, 0, 0});
  REQUIRE(hello.max_message_size == 16 * 1024 * 1024);
  REQUIRE(hello.serializer_id == 1);
  REQUIRE_FALSE(hello.reserved_bits);
  const auto least = parse_rawsocket_hello(Bytes{0x7f, 0x03, 0, 0});
  REQUIRE(least.max_message_size == 512);
  REQUIRE(least.serializer_id == 3);
  REQUIRE(parse_rawsocket_hello(Bytes{0x7f, 0xf1, 1, 0}).reserved_bits);
  REQUIRE(parse_rawsocket_hello(Bytes{0x7f, 0xf1, 0, 0x80}).reserved_bits);
}

TEST_CASE("a RawSocket router announces a power of two from 512 bytes to 16 MiB") {
  REQUIRE(rawsocket_limit(1) == 512);
  REQUIRE(rawsocket_limit(512) == 512);
  REQUIRE(rawsocket_limit(513) == 1024);
  REQUIRE(rawsocket_limit(100000) == 131072);
  REQUIRE(rawsocket_limit(1U << 24) == 1U << 24);
  REQUIRE(rawsocket_limit(64U << 20) == 1U << 24);
  REQUIRE(rawsocket_welcome(2, 1U << 24) == RawSocketReply{0x7f, 0xf2, 0, 0});
  REQUIRE(rawsocket_welcome(1, 1) == RawSocketReply{0x7f, 0x01, 0, 0});
  REQUIRE(rawsocket_welcome(3, 100000) == RawSocketReply{0x7f, 0x83, 0, 0});
}

TEST_CASE("a RawSocket router's refusal has the error where the length was, and no serializer") {
  REQUIRE(rawsocket_refusal(RawSocketError::serializer_unsupported) == RawSocketReply{0x7f, 0x10, 0, 0});
  REQUIRE(rawsocket_refusal(RawSocketError::message_length_unacceptable) == RawSocketReply{0x7f, 0x20, 0, 0});
  REQUIRE(rawsocket_refusal(RawSocketError::reserved_bits_used) == RawSocketReply{0x7f, 0x30, 0, 0});
  REQUIRE(rawsocket_refusal(RawSocketError::connection_count_reached) == RawSocketReply{0x7f, 0x40, 0, 0});
}

TEST_CASE("RawSocket headers come back as they were written") {
  using enum RawSocketFrameType;
  for (const auto type : {regular, ping, pong}) {
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{255}, std::size_t{256},
                                   std::size_t{65536}, kMaxRawSocketPayload}) {
      RawSocketFrame frame;
      REQUIRE(parse_rawsocket_frame(rawsocket_header(type, size), frame));
      REQUIRE(frame.type == type);
      REQUIRE(frame.payload_size == size);
    }
  }
  REQUIRE(rawsocket_header(ping, 0x010203) == std::array<std::uint8_t, 4>{1, 1, 2, 3});
}

TEST_CASE("reserved bits and unknown types in a RawSocket header are refused") {
  RawSocketFrame frame;
  for (unsigned first = 3; first < 256; ++first) {
    REQUIRE_FALSE(parse_rawsocket_frame(Bytes{static_cast<std::uint8_t>(first), 0, 0, 1}, frame));
  }
}
