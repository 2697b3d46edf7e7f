#include <catch2/catch.hpp>

#include "transports/web/upload_form.hpp"

using namespace crosspoint::transports::web;

namespace {

const std::string kType = "multipart/form-data; boundary=XX";

std::string part(const std::string& disposition, const std::string& value) {
  return "--XX\r\nContent-Disposition: " + disposition + "\r\n\r\n" + value + "\r\n";
}

}  // namespace

TEST_CASE("a form's fields are found by name, whatever is in them") {
  const std::string binary("\0\r\n--X\r\n\r\n", 10);
  const std::string body = part("form-data; name=\"a\"", "1") +
                           "--XX\r\ncontent-type: text/plain\r\ncontent-disposition: form-data; filename=\"x;name=b\"; "
                           "name=\"file\"\r\n\r\n" +
                           binary + "\r\n" + part("form-data; name=\"q\\\"t\"", "") + part("form-data; name=a", "2") +
                           "--XX--\r\n";
  Form form;
  REQUIRE(parse_form(kType, body, form) == "");
  REQUIRE(form == Form{{"a", "1"}, {"file", binary}, {"q\"t", ""}});
  form.clear();
  REQUIRE(parse_form("Multipart/Form-Data; charset=utf-8; Boundary=\"XX\"", body, form) == "");
  REQUIRE(form.size() == 3);
}

TEST_CASE("what is no form is refused, and no prefix of one is read beyond its end") {
  Form form;
  const std::string body = part("form-data; name=\"a\"", "1") + "--XX--";
  for (const std::string type : {"", "text/plain", "multipart/form-data", "multipart/form-data; boundary=",
                                 "multipart/form-data; boundary=\"XX", "multipart/form-data; boundary"}) {
    REQUIRE(parse_form(type, body, form) != "");
  }
  REQUIRE(parse_form("multipart/form-data; boundary=" + std::string(71, 'x'), body, form) != "");
  for (std::size_t size = 0; size < body.size(); ++size) {
    INFO(size);
    form.clear();
    REQUIRE(parse_form(kType, std::string_view(body).substr(0, size), form) == "the form is malformed");
  }
  REQUIRE(parse_form(kType, body, form) == "");
  REQUIRE(parse_form(kType, part("attachment", "1") + "--XX--", form) == "the form is malformed");
  REQUIRE(parse_form(kType, "--XX\r\nA: b\r\n\r\n1\r\n--XX--", form) == "the form is malformed");
  std::string many;
  for (int i = 0; i < 65; ++i) many += part("form-data; name=\"" + std::to_string(i) + "\"", "");
  REQUIRE(parse_form(kType, many + "--XX--", form) == "the form has too many fields");
}
