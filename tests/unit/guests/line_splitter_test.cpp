#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include "guests/line_splitter.hpp"

using crosspoint::guests::LineSplitter;

namespace {

struct Lines {
  std::vector<std::string> seen;
  LineSplitter splitter{[this](std::string_view line) { seen.emplace_back(line); }};
};

}  // namespace

TEST_CASE("lines are put together from pieces, whatever ends them; empty ones are dropped") {
  Lines lines;
  for (const char* piece : {"one", "\ntw", "o\r", "\n", "\n  \t \n", "  three  \n", "four"}) lines.splitter.feed(piece);
  REQUIRE(lines.seen == std::vector<std::string>{"one", "two", "three"});
  REQUIRE(lines.splitter.pending());
  lines.splitter.flush();
  lines.splitter.flush();
  REQUIRE(lines.seen.back() == "four");
  REQUIRE(lines.seen.size() == 4);
  REQUIRE_FALSE(lines.splitter.pending());
}

TEST_CASE("a line without end is cut, and it is said by how much") {
  Lines lines;
  for (int i = 0; i < 100; ++i) lines.splitter.feed(std::string(1000, 'x'));
  lines.splitter.feed("\nnext\n");
  REQUIRE(lines.seen.size() == 2);
  REQUIRE(lines.seen[0] == std::string(LineSplitter::kLongest, 'x') + " ... (another " +
                               std::to_string(100000 - LineSplitter::kLongest) + " bytes)");
  REQUIRE(lines.seen[1] == "next");
}
