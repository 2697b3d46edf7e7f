#include <catch2/catch.hpp>

#include <string>

#include "base/random.hpp"
#include "transports/permessage_deflate.hpp"

using namespace crosspoint;
using namespace crosspoint::transports;
using Bytes = std::vector<std::uint8_t>;

namespace {

std::string response(const std::string& offers, const DeflateSettings& settings = {}) {
  const auto agreement = negotiate_deflate(offers, settings);
  return agreement ? agreement->response : "";
}

Bytes compress(PermessageDeflate& deflate, const std::string& text) {
  Bytes out;
  deflate.deflate(base::as_bytes(text), true, out);
  return out;
}

std::string expand(PermessageDeflate& deflate, const Bytes& bytes, std::size_t most = 1 << 20) {
  Bytes out;
  switch (deflate.inflate(bytes, most, out)) {
    case PermessageDeflate::Inflated::good:
      return {out.begin(), out.end()};
    case PermessageDeflate::Inflated::malformed:
      return "(malformed)";
    default:
      return "(too big)";
  }
}

}  // namespace

TEST_CASE("the offers of RFC 7692 are answered (7.1)") {
  REQUIRE(response("permessage-deflate") == "permessage-deflate");
  REQUIRE(response("permessage-deflate; client_max_window_bits") == "permessage-deflate");
  REQUIRE(response("permessage-deflate; server_max_window_bits=10") == "permessage-deflate; server_max_window_bits=10");
  REQUIRE(response("permessage-deflate; server_max_window_bits=\"10\"") ==
          "permessage-deflate; server_max_window_bits=10");
  REQUIRE(response("permessage-deflate; server_no_context_takeover; client_no_context_takeover") ==
          "permessage-deflate; server_no_context_takeover; client_no_context_takeover");
  REQUIRE(response("x-webkit-deflate-frame, permessage-deflate; server_max_window_bits=9, permessage-deflate") ==
          "permessage-deflate; server_max_window_bits=9");
  DeflateSettings small;
  small.request_max_window_bits = 11;
  small.max_window_bits = 12;
  small.no_context_takeover = true;
  REQUIRE(response("permessage-deflate; client_max_window_bits", small) ==
          "permessage-deflate; server_no_context_takeover; server_max_window_bits=12; client_max_window_bits=11");
  REQUIRE(response("permessage-deflate; client_max_window_bits=10", small) ==
          "permessage-deflate; server_no_context_takeover; server_max_window_bits=12; client_max_window_bits=10");
}

TEST_CASE("offers that are malformed, or cannot be met, are declined") {
  for (const char* offer :
       {"", "deflate", "permessage-deflate; unknown", "permessage-deflate; server_max_window_bits",
        "permessage-deflate; server_max_window_bits=16", "permessage-deflate; server_max_window_bits=07",
        "permessage-deflate; server_max_window_bits=8", "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; client_max_window_bits=20",
        "permessage-deflate; client_max_window_bits; client_max_window_bits",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover"}) {
    INFO(offer);
    REQUIRE(response(offer).empty());
  }
  DeflateSettings wants_window;
  wants_window.request_max_window_bits = 10;
  REQUIRE(response("permessage-deflate", wants_window).empty());
}

TEST_CASE("messages survive the way through, with and without context, whole and in pieces") {
  for (const bool keep : {true, false}) {
    DeflateAgreement agreement;
    agreement.server_no_context_takeover = !keep;
    agreement.client_no_context_takeover = !keep;
    PermessageDeflate sender(agreement, 8);
    PermessageDeflate receiver(agreement, 8);
    const std::string text = "a message that says the same thing, says the same thing, says the same thing";
    const auto first = compress(sender, text);
    const auto second = compress(sender, text);
    REQUIRE(first.size() < text.size());
    REQUIRE((second.size() < first.size()) == keep);
    REQUIRE(expand(receiver, first) == text);
    REQUIRE(expand(receiver, second) == text);
    REQUIRE(expand(receiver, compress(sender, "")).empty());
    REQUIRE(expand(receiver, compress(sender, "")).empty());
    Bytes pieces;
    sender.deflate(base::as_bytes(std::string_view("one ")), false, pieces);
    sender.deflate(base::as_bytes(std::string_view("two")), true, pieces);
    REQUIRE(expand(receiver, pieces) == "one two");
  }
}

TEST_CASE("large and random messages survive, and small windows too") {
  base::Random random(2);
  DeflateAgreement agreement;
  agreement.server_max_window_bits = 9;
  PermessageDeflate sender(agreement, 1);
  PermessageDeflate receiver(agreement, 1);
  for (const std::size_t size : {std::size_t{1}, std::size_t{1000}, std::size_t{100000}, std::size_t{16384}}) {
    std::string text(size, 'a');
    for (std::size_t i = 0; i < size; i += 2) text[i] = static_cast<char>(random.next());
    REQUIRE(expand(receiver, compress(sender, text)) == text);
  }
}

TEST_CASE("the examples of RFC 7692, section 7.2.3, are expanded") {
  PermessageDeflate receiver({}, 8);
  REQUIRE(expand(receiver, {0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00}) == "Hello");
  REQUIRE(expand(receiver, {0xf2, 0x00, 0x11, 0x00, 0x00}) == "Hello");  // with the context of the first
  PermessageDeflate final_block({}, 8);
  REQUIRE(expand(final_block, {0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00}) == "Hello");
}

TEST_CASE("a small message that would grow beyond the limit is stopped, and rubbish is noticed") {
  PermessageDeflate sender({}, 8);
  PermessageDeflate receiver({}, 8);
  const auto bomb = compress(sender, std::string(10'000'000, 'x'));
  REQUIRE(bomb.size() < 20000);
  REQUIRE(expand(receiver, bomb, 1'000'000) == "(too big)");
  PermessageDeflate other({}, 8);
  REQUIRE(expand(other, {0xff, 0xff, 0xff, 0xff}) == "(malformed)");
}
