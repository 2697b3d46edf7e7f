#include <catch2/catch.hpp>

#include "transports/cookies.hpp"

using namespace crosspoint;
using transports::find_cookie;

TEST_CASE("a cookie is found among others (RFC 6265, 4.2)") {
  REQUIRE(find_cookie("cbtid=abc", "cbtid") == "abc");
  REQUIRE(find_cookie("a=1; cbtid=abc; b=2", "cbtid") == "abc");
  REQUIRE(find_cookie("xcbtid=1;  cbtid=\"abc\" ;b", "cbtid") == "abc");
  REQUIRE(find_cookie("cbtid=a=b", "cbtid") == "a=b");
  REQUIRE(find_cookie("cbtid=", "cbtid").empty());
  for (const char* header : {"", "cbtid", "cbtid2=abc", "a=cbtid=abc", ";;;", "CBTID=abc"}) {
    REQUIRE(find_cookie(header, "cbtid").empty());
  }
}

TEST_CASE("a new cookie has the attributes of the configuration") {
  settings::Cookie settings;
  REQUIRE(transports::set_cookie(settings, "abc") == "cbtid=abc;max-age=604800");
  settings.name = "own";
  settings.max_age = 5;
  settings.secure = settings.http_strict = true;
  settings.same_site = "Lax";
  REQUIRE(transports::set_cookie(settings, "abc") == "own=abc;max-age=5;Secure;HttpOnly;SameSite=Lax");
}
