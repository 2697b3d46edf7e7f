#include <catch2/catch.hpp>

#include <random>
#include <string>

#include "serializers/reader.hpp"
#include "transports/utf8_stream.hpp"

using namespace crosspoint;
using transports::Utf8Stream;

namespace {

/// What a stream makes of a text that comes in pieces of so many bytes.
bool is_text(std::string_view text, std::size_t size) {
  Utf8Stream stream;
  for (std::size_t at = 0; at < text.size(); at += size) {
    if (!stream.feed(base::as_bytes(text.substr(at, size)))) return false;
  }
  return stream.whole();
}

}  // namespace

TEST_CASE("text in pieces is text if the whole is, wherever it is cut (RFC 3629)") {
  std::mt19937 random(1);
  const std::string bytes = "a\x7f\x80\x8f\x90\x9f\xa0\xbf\xc0\xc1\xc2\xdf\xe0\xe1\xed\xee\xef\xf0\xf1\xf4\xf5\xff";
  std::size_t valid = 0;
  for (int i = 0; i < 200'000; ++i) {
    std::string text;
    const std::size_t size = random() % 6;
    for (std::size_t at = 0; at < size; ++at) text += bytes[random() % bytes.size()];
    const bool expected = serializers::is_utf8(text);
    valid += expected ? 1 : 0;
    for (std::size_t piece = 1; piece <= 4; ++piece) REQUIRE(is_text(text, piece) == expected);
  }
  REQUIRE(valid > 10'000);
}

TEST_CASE("what cannot become text is refused at the first byte that shows it") {
  for (const std::string_view bad : {"\xf4\x90", "\xed\xa0", "\xe0\x80", "\xf0\x8f", "\xc2 ", "\x80", "\xff"}) {
    Utf8Stream stream;
    REQUIRE(stream.feed(base::as_bytes("fine \xc3\xa4")));
    REQUIRE_FALSE(stream.feed(base::as_bytes(bad)));
  }
  Utf8Stream stream;
  REQUIRE(stream.feed(base::as_bytes("\xf4\x8f")));
  REQUIRE_FALSE(stream.whole());
  stream.reset();
  REQUIRE(stream.feed(base::as_bytes("new")));
  REQUIRE(stream.whole());
}
