#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "serializers/writers.hpp"

using namespace crosspoint;

namespace {

std::string written(std::string_view text) {
  serializers::WriteBuffer buffer;
  serializers::JsonWriter(buffer).text(text);
  return std::string(base::as_text(buffer.bytes()));
}

}  // namespace

TEST_CASE("any character is written at any place of a text so that it is read again") {
  for (std::size_t size = 0; size < 20; ++size) {
    const std::string plain(size, 'x');
    REQUIRE(written(plain) == '"' + plain + '"');
    for (std::size_t at = 0; at < size; ++at) {
      for (int code = 0; code < 0x80; ++code) {
        std::string text = plain;
        text[at] = static_cast<char>(code);
        const auto read = nlohmann::json::parse(written(text), nullptr, false);
        CAPTURE(size, at, code);
        REQUIRE(read.is_string());
        REQUIRE(read.get<std::string>() == text);
      }
    }
  }
  REQUIRE(written("\u00fc\u20ac") == "\"\u00fc\u20ac\"");
}
