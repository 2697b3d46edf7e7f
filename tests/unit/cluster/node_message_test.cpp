#include "cluster/node_message.hpp"

#include <catch2/catch.hpp>
#include <string>

using namespace crosspoint::cluster;

TEST_CASE("a message to a node is read as it was written") {
  const std::string text("two\nlines \0 and more", 20);
  const std::string message = write_node_message("node-1/a1b2", "call", text);
  NodeMessage read;
  REQUIRE(read_node_message(message, read));
  REQUIRE(read.from == "node-1/a1b2");
  REQUIRE(read.kind == "call");
  REQUIRE(read.text == text);
}

TEST_CASE("what no node has written is not read") {
  for (const std::string_view text :
       {"", "crosspoint1 ", "crosspoint1 a/1 call", "crosspoint1 a call\n", "crosspoint1 a/1\n", "crosspoint1 a/1 \n",
        "crosspoint1 a/1 b c\n", "crosspoint2 a/1 call\n"}) {
    INFO(text);
    NodeMessage read;
    REQUIRE_FALSE(read_node_message(text, read));
  }
}
