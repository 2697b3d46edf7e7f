#include "gateway/receivers_text.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace crosspoint::gateway;
using nlohmann::json;

TEST_CASE("receivers are written and read") {
  const std::vector<Receiver> receivers{{Receiver::Kind::connection, "00000000000000ab-1-2c", ""},
                                        {Receiver::Kind::connection, "00000000000000ab-0-1", "app.note"},
                                        {Receiver::Kind::procedure, "app.\"note", ""}};
  std::vector<Receiver> out;
  read_receivers(write_receivers(receivers), out);
  REQUIRE(out == receivers);
  REQUIRE(out[1].via == "app.note");
  REQUIRE(write_receivers({}).empty());
  REQUIRE(node_of(receivers[0], 5) == 0xab);
  REQUIRE(node_of(receivers[2], 5) == 5);
}

TEST_CASE("what is no receiver is left out") {
  const auto text = GENERATE(as<std::string>(), "", "5", "{}", "[", "[[]]", "[[0]]", R"([[0,"x",""]])",
                             R"([[2,"app",""]])", R"([[1,5,""]])", R"([[1,"app",5]])", R"([[1,"app","",""]])");
  std::vector<Receiver> out;
  read_receivers(text, out);
  REQUIRE(out.empty());
  read_receivers(R"([[1,"app",5],[1,"app",""]])", out);
  REQUIRE(out.size() == 1);
}
