#include <catch2/catch.hpp>

#include "base/timestamp.hpp"

using crosspoint::base::parse_rfc3339;
using crosspoint::base::to_rfc3339;

TEST_CASE("points in time as RFC 3339 texts, and back") {
  REQUIRE(to_rfc3339(0) == "1970-01-01T00:00:00.000000Z");
  REQUIRE(to_rfc3339(1767323045678901) == "2026-01-02T03:04:05.678901Z");
  REQUIRE(to_rfc3339(-1) == "1969-12-31T23:59:59.999999Z");
  for (const std::int64_t time : {std::int64_t{0}, std::int64_t{1767323045678901}, std::int64_t{-86400000001}}) {
    REQUIRE(parse_rfc3339(to_rfc3339(time)) == time);
  }
}

TEST_CASE("RFC 3339 texts in all their forms") {
  const std::int64_t time = 1767323045000000;
  for (const char* text : {"2026-01-02T03:04:05Z", "2026-01-02t03:04:05z", "2026-01-02 03:04:05.0Z",
                           "2026-01-02T05:04:05+02:00", "2026-01-01T21:34:05-05:30", "2026-01-02T03:04:05.0000004Z"}) {
    INFO(text);
    REQUIRE(parse_rfc3339(text) == time);
  }
  REQUIRE(parse_rfc3339("2026-01-02T03:04:05.6789Z") == time + 678900);
  REQUIRE(parse_rfc3339("2024-02-29T00:00:00Z") == 1709164800000000);
  REQUIRE(parse_rfc3339("2016-12-31T23:59:60Z") == 1483228800000000);
}

TEST_CASE("what is no RFC 3339 text") {
  for (const char* text :
       {"", "now", "2026", "2026-01-02", "2026-01-02T03:04:05", "2026-01-02T03:04Z", "2026-13-02T03:04:05Z",
        "2026-02-29T03:04:05Z", "2026-01-02T24:04:05Z", "2026-01-02T03:60:05Z", "2026-01-02T03:04:61Z",
        "2026-01-02T03:04:05.Z", "2026-01-02T03:04:05+2:00", "2026-01-02T03:04:05+24:00", "2026-01-02T03:04:05Zx",
        "-026-01-02T03:04:05Z", "20260102T030405Z"}) {
    INFO(text);
    REQUIRE_FALSE(parse_rfc3339(text));
  }
}
