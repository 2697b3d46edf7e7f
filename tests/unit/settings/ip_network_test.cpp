#include <catch2/catch.hpp>

#include "settings/web_services.hpp"

using crosspoint::settings::IpNetwork;

TEST_CASE("networks contain the addresses with their prefix") {
  const auto contains = [](const char* network, const char* ip) {
    const auto parsed = IpNetwork::parse(network);
    REQUIRE(parsed.has_value());
    return parsed->contains(ip);
  };
  REQUIRE(contains("10.0.0.0/8", "10.255.1.2"));
  REQUIRE_FALSE(contains("10.0.0.0/8", "11.0.0.0"));
  REQUIRE(contains("192.168.0.128/25", "192.168.0.128"));
  REQUIRE_FALSE(contains("192.168.0.128/25", "192.168.0.127"));
  REQUIRE(contains("127.0.0.1", "127.0.0.1"));
  REQUIRE_FALSE(contains("127.0.0.1", "127.0.0.2"));
  REQUIRE(contains("0.0.0.0/0", "1.2.3.4"));
  REQUIRE_FALSE(contains("0.0.0.0/0", "::1"));
  REQUIRE(contains("127.0.0.1", "::ffff:127.0.0.1"));  // how IPv4 arrives at sockets for both
  REQUIRE(contains("2001:db8::/32", "2001:db8:1::5"));
  REQUIRE_FALSE(contains("2001:db8::/32", "2001:db9::"));
  REQUIRE_FALSE(contains("::/0", "1.2.3.4"));
  REQUIRE_FALSE(contains("0.0.0.0/0", ""));  // a Unix socket's client has none
}

TEST_CASE("what is no network is refused") {
  for (const char* text : {"", "x", "10.0.0", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8x",
                           "::1/129", "::1/64", "10.0.0.256"}) {
    INFO(text);
    REQUIRE_FALSE(IpNetwork::parse(text).has_value());
  }
}
