#include <catch2/catch.hpp>

#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "transports/web/services.hpp"
#include "unit/transports/test_exchange.hpp"

using namespace crosspoint;
using crosspoint::test::TestExchange;
namespace fs = std::filesystem;

namespace {

/// A directory of files, with a secret beside it.
class Site {
 public:
  Site() {
    std::string pattern = (fs::temp_directory_path() / "crosspoint-XXXXXX").string();
    root_ = ::mkdtemp(pattern.data());
    fs::create_directories(root_ / "web" / "sub");
    fs::create_directories(root_ / "web" / "empty");
    write("web/index.html", "<p>home</p>");
    write("web/page.js", "0123456789");
    write("web/data.custom", "custom");
    write("web/sub/index.html", "<p>sub</p>");
    write("web/none", "");
    write("secret.txt", "secret");
    settings_.directory = (root_ / "web").string();
  }
  ~Site() { fs::remove_all(root_); }
  Site(const Site&) = delete;
  void write(const std::string& name, const std::string& text) const { std::ofstream(root_ / name) << text; }

  std::shared_ptr<TestExchange> get(const std::string& target, std::map<std::string, std::string> headers = {},
                                    const std::string& method = "GET") const {
    const auto service = transports::web::make_static_files(settings_);
    return TestExchange::ask(*service, target, std::move(headers), method);
  }
  settings::StaticFiles& settings() { return settings_; }

 private:
  fs::path root_;
  settings::StaticFiles settings_;
};

}  // namespace

TEST_CASE("files are served with their types, and directories by their index") {
  Site site;
  REQUIRE(site.get("/")->body == "<p>home</p>");
  REQUIRE(site.get("/index.html")->headers["Content-Type"] == "text/html; charset=utf-8");
  const auto script = site.get("/page.js?version=2");
  REQUIRE(script->status == 200);
  REQUIRE(script->body == "0123456789");
  REQUIRE(script->headers["Content-Type"] == "text/javascript; charset=utf-8");
  REQUIRE(site.get("/sub/")->body == "<p>sub</p>");
  REQUIRE(site.get("/none")->body.empty());
  REQUIRE(site.get("/data.custom")->headers["Content-Type"] == "application/octet-stream");
  site.settings().mime_types[".custom"] = "x/y";
  REQUIRE(site.get("/data.custom")->headers["Content-Type"] == "x/y");
}

TEST_CASE("a directory without its slash is redirected there, on this host only") {
  Site site;
  const auto redirect = site.get("/sub?a=1");
  REQUIRE(redirect->status == 302);
  REQUIRE(redirect->headers["Location"] == "/sub/?a=1");
  REQUIRE(site.get("//sub")->headers["Location"] == "/sub/");
}

TEST_CASE("nothing outside the directory is served, however it is asked for") {
  Site site;
  for (const char* target : {"/../secret.txt", "/sub/../../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt",
                             "/sub/%2e%2e/%2e%2e/secret.txt", "/./page.js", "/page.js/", "/page.js/x", "/missing"}) {
    INFO(target);
    const auto response = site.get(target);
    REQUIRE(response->status == 404);
    REQUIRE(response->body.find("secret\n") == std::string::npos);
    REQUIRE(response->body != "secret");
  }
}

TEST_CASE("a missing file may be answered by a default file; listings are shown only if enabled") {
  Site site;
  REQUIRE(site.get("/empty/")->status == 404);
  site.settings().enable_directory_listing = true;
  const auto listing = site.get("/empty/");
  REQUIRE(listing->status == 200);
  site.write("web/empty/<b>.txt", "x");
  REQUIRE(site.get("/empty/")->body.find("<li><a href=\"./%3Cb%3E.txt\">&lt;b&gt;.txt</a></li>") != std::string::npos);
  site.settings().default_file = "index.html";
  REQUIRE(site.get("/missing/page")->body == "<p>home</p>");
}

TEST_CASE("caches are told how long, and asked again with 304 (RFC 9110, 13)") {
  Site site;
  const auto first = site.get("/page.js");
  REQUIRE(first->headers["Cache-Control"] == "max-age=43200, public");
  REQUIRE_FALSE(first->headers["Expires"].empty());
  const std::string etag = first->headers["ETag"];
  REQUIRE(site.get("/page.js", {{"if-none-match", etag}})->status == 304);
  REQUIRE(site.get("/page.js", {{"if-none-match", "\"x\", W/" + etag}})->status == 304);
  REQUIRE(site.get("/page.js", {{"if-none-match", "*"}})->status == 304);
  REQUIRE(site.get("/page.js", {{"if-none-match", "\"other\""}})->status == 200);
  REQUIRE(site.get("/page.js", {{"if-modified-since", first->headers["Last-Modified"]}})->status == 304);
  REQUIRE(site.get("/page.js", {{"if-modified-since", "Thu, 01 Jan 1970 00:00:00 GMT"}})->status == 200);
  site.write("web/page.js", "changed");
  REQUIRE(site.get("/page.js", {{"if-none-match", etag}})->status == 200);
  site.settings().cache_timeout.reset();
  REQUIRE(site.get("/page.js")->headers.count("Cache-Control") == 0);
}

TEST_CASE("parts of a file are served (RFC 9110, 14)") {
  Site site;
  const auto range = [&](const std::string& text) { return site.get("/page.js", {{"range", text}}); };
  const auto middle = range("bytes=2-4");
  REQUIRE(middle->status == 206);
  REQUIRE(middle->body == "234");
  REQUIRE(middle->headers["Content-Range"] == "bytes 2-4/10");
  REQUIRE(range("bytes=7-")->body == "789");
  REQUIRE(range("bytes=-3")->body == "789");
  REQUIRE(range("bytes=-30")->body == "0123456789");
  REQUIRE(range("bytes=8-100")->body == "89");
  const auto beyond = range("bytes=10-");
  REQUIRE(beyond->status == 416);
  REQUIRE(beyond->headers["Content-Range"] == "bytes */10");
  REQUIRE(range("bytes=-0")->status == 416);
  for (const char* odd : {"bytes=4-2", "bytes=a-b", "bytes=", "bytes=-", "lines=1-2", "bytes=1-2,4-5", "bytes=1x-2"}) {
    INFO(odd);
    REQUIRE(range(odd)->status == 200);
  }
  REQUIRE(site.get("/page.js", {{"range", "bytes=2-4"}, {"if-range", "\"old\""}})->status == 200);
  REQUIRE(site.get("/none", {{"range", "bytes=0-"}})->status == 416);
}

TEST_CASE("only GET and HEAD are served; pages of other origins may read") {
  Site site;
  const auto post = site.get("/page.js", {}, "POST");
  REQUIRE(post->status == 405);
  REQUIRE(post->headers["Allow"] == "GET, HEAD");
  REQUIRE(site.get("/page.js", {}, "HEAD")->status == 200);
  REQUIRE(site.get("/page.js")->headers["Access-Control-Allow-Origin"] == "*");
  REQUIRE(site.get("/page.js", {{"origin", "http://a"}})->headers["Access-Control-Allow-Origin"] == "http://a");
}
