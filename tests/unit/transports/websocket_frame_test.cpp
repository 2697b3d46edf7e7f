#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include "base/random.hpp"
#include "transports/websocket_frame.hpp"

using namespace crosspoint;
using namespace crosspoint::transports;
using namespace std::string_literals;

namespace {

FrameParse parse(const std::string& bytes, FrameHeader& header) {
  std::string_view problem;
  const std::vector<std::uint8_t> exact(bytes.begin(), bytes.end());
  return parse_frame_header(exact, header, problem);
}

}  // namespace

TEST_CASE("the examples of RFC 6455, section 5.7, are read") {
  FrameHeader header;
  REQUIRE(parse("\x81\x05Hello", header) == FrameParse::complete);
  REQUIRE((header.fin && !header.masked && header.opcode == Opcode::text && header.payload_size == 5));
  std::string masked = "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
  REQUIRE(parse(masked, header) == FrameParse::complete);
  REQUIRE(header.masked);
  REQUIRE(header.size == 6);
  std::vector<std::uint8_t> payload(masked.begin() + 6, masked.end());
  unmask(payload, header.key);
  REQUIRE(std::string(payload.begin(), payload.end()) == "Hello");
  REQUIRE(parse("\x01\x03Hel", header) == FrameParse::complete);
  REQUIRE_FALSE(header.fin);
  REQUIRE(parse("\x82\x7e\x01\x00"s, header) == FrameParse::complete);
  REQUIRE(header.payload_size == 256);
  REQUIRE(parse("\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00"s, header) == FrameParse::complete);
  REQUIRE(header.payload_size == 65536);
}

TEST_CASE("a header cut short is incomplete, at every length") {
  const std::string whole = "\x82\xff\x00\x00\x00\x00\x00\x01\x00\x00\x01\x02\x03\x04"s;
  FrameHeader header;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    REQUIRE(parse(whole.substr(0, size), header) == FrameParse::incomplete);
  }
  REQUIRE(parse(whole, header) == FrameParse::complete);
  REQUIRE(header.size == 14);
}

TEST_CASE("what RFC 6455 forbids in a header is bad") {
  FrameHeader header;
  for (const auto& bytes : {
           "\xa1\x00"s,  // a reserved bit
           "\x91\x00"s,  // another one
           "\x83\x00"s,
           "\x87\x00"s,  // reserved opcodes
           "\x8b\x00"s,
           "\x8f\x00"s,
           "\x09\x00"s,                                  // a fragmented ping
           "\x88\x7e\x00\x7e"s,                          // a long close
           "\x81\x7e\x00\x7d"s,                          // 125 in two bytes
           "\x81\x7f\x00\x00\x00\x00\x00\x00\xff\xff"s,  // 65535 in eight
           "\x81\x7f\x80\x00\x00\x00\x00\x00\x00\x00"s,
       }) {
    INFO(static_cast<int>(bytes[0]) << " " << static_cast<int>(bytes[1]));
    REQUIRE(parse(bytes, header) == FrameParse::bad);
  }
}

TEST_CASE("headers are written in the shortest form and read back") {
  for (const std::uint64_t size : {0ULL, 1ULL, 125ULL, 126ULL, 65535ULL, 65536ULL, 1ULL << 40}) {
    for (const bool compressed : {false, true}) {
      std::uint8_t bytes[kMaxFrameHeader];
      const std::size_t length = write_frame_header(bytes, Opcode::binary, compressed, size);
      REQUIRE(length == (size < 126 ? 2U : size < 65536 ? 4U : 10U));
      FrameHeader header;
      std::string_view problem;
      REQUIRE(parse_frame_header({bytes, length}, header, problem) == FrameParse::complete);
      REQUIRE(header.payload_size == size);
      REQUIRE(header.rsv1 == compressed);
      REQUIRE((header.fin && !header.masked));
    }
  }
}

TEST_CASE("unmasking works on every length and place") {
  base::Random random(1);
  for (std::size_t size = 0; size < 50; ++size) {
    std::vector<std::uint8_t> payload(size);
    for (auto& byte : payload) byte = static_cast<std::uint8_t>(random.next());
    const std::uint8_t key[4] = {1, 2, 3, 4};
    auto expected = payload;
    for (std::size_t i = 0; i < size; ++i) expected[i] ^= key[i % 4];
    unmask(payload, key);
    REQUIRE(payload == expected);
  }
}

TEST_CASE("close codes that a peer may send (RFC 6455, 7.4)") {
  for (const int code :
       {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999}) {
    REQUIRE(is_valid_close_code(static_cast<std::uint16_t>(code)));
  }
  for (const int code : {0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535}) {
    REQUIRE_FALSE(is_valid_close_code(static_cast<std::uint16_t>(code)));
  }
}
