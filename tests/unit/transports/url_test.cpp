#include <catch2/catch.hpp>

#include "transports/url.hpp"

using namespace crosspoint::transports;

TEST_CASE("a request target is split into its decoded path and its query") {
  std::string path;
  std::string query;
  REQUIRE(split_target("/a%20b/%C3%BC?x=%20&y", path, query));
  REQUIRE(path == "/a b/\u00fc");
  REQUIRE(query == "x=%20&y");
  REQUIRE(split_target("/", path, query));
  REQUIRE(query.empty());
  REQUIRE(split_target("http://host:80/x?y", path, query));
  REQUIRE(path == "/x");
  REQUIRE(split_target("https://host", path, query));
  REQUIRE(path == "/");
  for (const char* bad : {"", "*", "x", "/%", "/%2", "/%zz", "/%00"}) REQUIRE_FALSE(split_target(bad, path, query));
}
