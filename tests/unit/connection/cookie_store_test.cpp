#include <catch2/catch.hpp>

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "base/io_thread.hpp"
#include "connection/cookie_store.hpp"

using namespace crosspoint;
using connection::Cookie;
using connection::CookieStore;

namespace {

class Holder final : public connection::CookieHolder {
 public:
  void on_logout() override { ++logouts; }
  int logouts = 0;
};

/// A directory that goes with the test.
class Directory {
 public:
  Directory() : path_(std::filesystem::temp_directory_path() / ("cookies-" + std::to_string(::getpid()))) {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directory(path_);
  }
  ~Directory() { std::filesystem::remove_all(path_); }
  std::string operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

std::int64_t now = 0;

settings::Cookie settings_of(settings::Cookie::Store kind = settings::Cookie::Store::memory, std::string path = {}) {
  settings::Cookie settings;
  settings.max_age = 100;
  settings.store = kind;
  settings.store_path = std::move(path);
  return settings;
}

std::unique_ptr<CookieStore> open(const settings::Cookie& settings) {
  std::string problem;
  std::unique_ptr<connection::CookieBackend> backend;
  if (settings.store == settings::Cookie::Store::file) backend = connection::open_cookie_file(settings, problem);
  if (settings.store == settings::Cookie::Store::database)
    backend = connection::open_cookie_database(settings, problem);
  INFO(problem);
  REQUIRE((backend != nullptr || settings.store == settings::Cookie::Store::memory));
  auto store = std::make_unique<CookieStore>(settings, std::move(backend), [] { return now; });
  REQUIRE(store->load(problem));
  return store;
}

const auth::CookieLogin kJoe{"realm1", "joe", "user", "ticket", R"({"a":"b"})"};
const auth::CookieLogin kAnn{"realm1", "ann", "user", "wampcra", ""};

std::size_t lines_of(const std::string& path) {
  std::ifstream stream(path);
  std::size_t count = 0;
  for (std::string line; std::getline(stream, line);) ++count;
  return count;
}

}  // namespace

TEST_CASE("a cookie is taken back while it is known, and never one that a client has made up") {
  now = 1'800'000'000;
  const auto store = open(settings_of());
  const std::string first = store->admit("");
  REQUIRE(first.size() == 24);
  REQUIRE(store->admit("made-up") != "made-up");
  REQUIRE(store->admit(first) != first);  // no connection has it, and it stands for nothing
  base::IoThread thread(0);
  Holder holder;
  store->attach(first, thread, holder);
  REQUIRE(store->admit(first) == first);
  store->remember(first, kJoe);
  store->detach(first, holder);
  REQUIRE(store->admit(first) == first);
  REQUIRE(store->find(first) == kJoe);
  store->remember(first, kAnn);
  REQUIRE(store->find(first) == kAnn);
  REQUIRE(store->size() == 1);
  store->revoke(first);
  REQUIRE_FALSE(store->find(first));
  REQUIRE(store->admit(first) != first);
}

TEST_CASE("cookies expire, and a new sign-in does not make them last longer") {
  now = 1'800'000'000;
  const auto store = open(settings_of());
  store->remember("a", kJoe);
  now += 99;
  store->remember("a", kAnn);
  store->remember("b", kJoe);
  REQUIRE(store->find("a"));
  now += 1;
  REQUIRE_FALSE(store->find("a"));
  REQUIRE(store->find("b"));
  REQUIRE(store->size() == 1);
}

TEST_CASE("no more cookies are kept than the limit") {
  now = 1'800'000'000;
  auto settings = settings_of();
  settings.limit = 10;
  const auto store = open(settings);
  for (int i = 0; i < 100; ++i, ++now) store->remember("c" + std::to_string(i), kJoe);
  REQUIRE(store->size() == 10);
  REQUIRE_FALSE(store->find("c89"));
  REQUIRE(store->find("c99"));
}

TEST_CASE("whoever logs out tells the other connections with the cookie, on every thread") {
  now = 1'800'000'000;
  const auto store = open(settings_of());
  base::IoThread one(0);
  base::IoThread two(1);
  Holder by, same, other, gone, stranger;
  store->remember("a", kJoe);
  store->attach("a", one, by);
  store->attach("a", one, same);
  store->attach("a", two, other);
  store->attach("a", two, gone);
  store->attach("b", two, stranger);
  store->log_out("a", by);
  store->detach("a", gone);  // before its thread comes to it
  for (base::IoThread* thread : {&one, &two}) {
    thread->post([thread] { thread->stop(); });
    thread->run();
  }
  REQUIRE(same.logouts == 1);
  REQUIRE(other.logouts == 1);
  REQUIRE(by.logouts + gone.logouts + stranger.logouts == 0);
  REQUIRE_FALSE(store->find("a"));
}

TEST_CASE("files and databases bring cookies back, with what was changed last") {
  const Directory directory;
  for (const auto kind : {settings::Cookie::Store::file, settings::Cookie::Store::database}) {
    now = 1'800'000'000;
    auto settings = settings_of(kind, directory / ("store-" + std::to_string(static_cast<int>(kind))));
    {
      const auto store = open(settings);
      store->remember("kept", kJoe);
      store->remember("changed", kJoe);
      store->remember("changed", kAnn);
      store->remember("gone", kJoe);
      store->revoke("gone");
      std::string problem;
      const bool file = kind == settings::Cookie::Store::file;
      const auto second =
          file ? connection::open_cookie_file(settings, problem) : connection::open_cookie_database(settings, problem);
      REQUIRE(second == nullptr);
      REQUIRE(problem.find("another router uses it") != std::string::npos);
      REQUIRE((std::filesystem::status(settings.store_path).permissions() & std::filesystem::perms::others_all) ==
              std::filesystem::perms::none);
    }
    {
      now += 50;
      const auto store = open(settings);
      REQUIRE(store->find("kept") == kJoe);
      REQUIRE(store->find("changed") == kAnn);
      REQUIRE(store->size() == 2);
      store->remember("later", kJoe);
    }
    now += 50;
    const auto store = open(settings);
    REQUIRE(store->size() == 1);  // the others have expired
    REQUIRE(store->find("later") == kJoe);
  }
}

TEST_CASE("a cookie file of Crossbar's is read") {
  now = 1'767'323'100;  // 2026-01-02T03:05:00Z
  const Directory directory;
  const std::string path = directory / "cookies.dat";
  std::ofstream(path) << R"({"cbtid":"x1","status":"created","created":"2026-01-02T03:04:05.678Z","modified":null,)"
                      << R"("deleted":null,"max_age":604800,"authid":null,"authrole":null,"authmethod":null,)"
                      << R"("authrealm":null,"authextra":null})"
                      << "\n"
                      << R"({"cbtid":"x1","status":"modified","created":"2026-01-02T03:04:05.678Z","modified":"x",)"
                      << R"("deleted":null,"max_age":604800,"authid":"joe","authrole":"user","authmethod":"ticket",)"
                      << R"("authrealm":"realm1","authextra":{"a":"b"}})"
                      << "\n"
                      << R"({"cbtid":"x2","created":"2020-01-02T03:04:05.678Z","max_age":60,"authid":"old",)"
                      << R"("authrole":"user","authmethod":"ticket","authrealm":"realm1","authextra":null})"
                      << "\n"
                      << R"({"cbtid":"cut)";
  const auto store = open(settings_of(settings::Cookie::Store::file, path));
  REQUIRE(store->size() == 1);
  REQUIRE(store->find("x1") == kJoe);
}

TEST_CASE("a cookie file does not grow for ever, and is tidied up at the start if that is wanted") {
  const Directory directory;
  now = 1'800'000'000;
  auto settings = settings_of(settings::Cookie::Store::file, directory / "cookies.dat");
  std::string problem;
  {
    const auto backend = connection::open_cookie_file(settings, problem);
    std::vector<Cookie> none;
    REQUIRE(backend->load(none, problem));
    for (int i = 0; i < 3000; ++i) REQUIRE(backend->apply({{Cookie{"a", i % 2 == 0 ? kJoe : kAnn, now, 1}}}).empty());
    REQUIRE(lines_of(settings.store_path) < 1100);
  }
  settings.purge_on_startup = true;
  settings.max_age = 1;
  std::ofstream(settings.store_path) << R"({"cbtid":"x2","created":"2020-01-02T03:04:05.678Z","max_age":60,)"
                                     << R"("authid":"old","authrole":"user","authmethod":"ticket","authrealm":"r"})"
                                     << "\n";
  const auto store = open(settings);
  REQUIRE(lines_of(settings.store_path) == 0);
}

TEST_CASE("a database may be read only, or emptied at the start") {
  const Directory directory;
  now = 1'800'000'000;
  auto settings = settings_of(settings::Cookie::Store::database, directory / "cookies");
  std::filesystem::create_directory(settings.store_path);  // as Crossbar leaves one
  open(settings)->remember("a", kJoe);
  settings.readonly = true;
  {
    const auto store = open(settings);
    REQUIRE(store->find("a") == kJoe);
    store->revoke("a");
    store->remember("b", kJoe);
    REQUIRE(store->find("b"));
  }
  settings.readonly = false;
  {
    const auto store = open(settings);
    REQUIRE(store->find("a"));
    REQUIRE_FALSE(store->find("b"));
  }
  settings.purge_on_startup = true;
  REQUIRE(open(settings)->size() == 0);
}

TEST_CASE("what cannot be a cookie store is named") {
  const Directory directory;
  std::string problem;
  REQUIRE(connection::open_cookie_file(settings_of(settings::Cookie::Store::file, directory / "no/where"), problem) ==
          nullptr);
  REQUIRE(problem.find("no/where: No such file or directory") != std::string::npos);
  std::ofstream(directory / "text") << std::string(2000, 'x');
  REQUIRE(connection::open_cookie_database(settings_of(settings::Cookie::Store::database, directory / "text"),
                                           problem) == nullptr);
  REQUIRE(problem.find("text: file is not a database") != std::string::npos);
}
