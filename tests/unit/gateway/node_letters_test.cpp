#include "gateway/node_letters.hpp"

#include <catch2/catch.hpp>

#include "gateway/node_calls.hpp"

using namespace crosspoint;
using gateway::NodeAnswer;
using gateway::NodeAsk;
using nlohmann::json;

TEST_CASE("what gateways of two nodes ask each other is read as it was written") {
  const json arguments{"id", json::binary({0, 255}), json::array({1, nullptr, "é"}), 65535};
  NodeAsk ask;
  REQUIRE(gateway::read(gateway::write(NodeAsk{"realm1", 7, "send", arguments}), ask));
  CHECK(ask.realm == "realm1");
  CHECK(ask.number == 7);
  CHECK(ask.name == "send");
  CHECK(ask.arguments == arguments);

  NodeAnswer answer;
  REQUIRE(gateway::read(gateway::write(NodeAnswer{"realm1", 7, json(nullptr)}), answer));
  CHECK(answer.number == 7);
  REQUIRE(answer.value);
  CHECK(answer.value->is_null());
  REQUIRE(gateway::read(gateway::write(NodeAnswer{"realm2", 8, std::nullopt}), answer));
  CHECK(answer.realm == "realm2");
  CHECK_FALSE(answer.value);
}

TEST_CASE("what is no message of a gateway is not taken for one, however it is cut or nested") {
  NodeAsk ask;
  NodeAnswer answer;
  const std::string good = gateway::write(NodeAsk{"realm1", 7, "send", {"id", "text"}});
  for (std::size_t size = 0; size < good.size(); ++size) {
    CHECK_FALSE(gateway::read(std::string_view(good).substr(0, size), ask));
    CHECK_FALSE(gateway::read(std::string_view(good).substr(0, size), answer));
  }
  CHECK_FALSE(gateway::read(good + "x", ask));
  CHECK_FALSE(gateway::read(good, answer));  // it has too much for an answer
  CHECK_FALSE(gateway::read(std::string(100'000, '\x91') + "\xc0", ask));
  CHECK_FALSE(gateway::read(std::string(100'000, '\x91') + "\xc0", answer));
}

TEST_CASE("the number of a node's start stands behind the last slash of its address") {
  CHECK(gateway::start_of("node1/c4f1a09be37d52") == 0xc4f1a09be37d52);
  CHECK(gateway::start_of("a/b/ffffffffffffffff") == ~0ULL);
  for (const char* wrong : {"", "node1", "node1/", "/x", "node1/12g", "node1/1ffffffffffffffff", "node1/-1"}) {
    CHECK(gateway::start_of(wrong) == 0);
  }
}
