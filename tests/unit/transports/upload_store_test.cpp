#include <catch2/catch.hpp>

#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "transports/web/upload_store.hpp"

using namespace crosspoint;
using transports::web::UploadChunk;
using transports::web::UploadStore;
namespace fs = std::filesystem;

namespace {

const UploadStore::Time kNow{};

class Directory {
 public:
  Directory() {
    std::string pattern = (fs::temp_directory_path() / "crosspoint-XXXXXX").string();
    root_ = ::mkdtemp(pattern.data());
    fs::create_directories(root_ / "in");
    settings.directory = (root_ / "in").string();
    settings.temp_directory = (root_ / "temp").string();
  }
  ~Directory() { fs::remove_all(root_); }
  Directory(const Directory&) = delete;

  std::string read(const std::string& name) const {
    std::ifstream stream(root_ / "in" / name, std::ios::binary);
    std::stringstream text;
    text << stream.rdbuf();
    return text.str();
  }
  std::size_t temporary() const { return count(root_ / "temp"); }
  std::size_t complete() const { return count(root_ / "in"); }
  const fs::path& root() const { return root_; }

  settings::Upload settings;

 private:
  static std::size_t count(const fs::path& directory) {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(directory), fs::directory_iterator()));
  }
  fs::path root_;
};

/// "0123456789" in three chunks of 3 bytes, of which the last takes what is left.
UploadChunk chunk(std::uint64_t number, std::string_view name = "file.txt") {
  constexpr std::string_view kText = "0123456789";
  const auto start = static_cast<std::size_t>(number - 1) * 3;
  return {name, 10, 3, 3, number, number < 3 ? kText.substr(start, 3) : kText.substr(start)};
}

UploadChunk whole(std::string_view name, std::string_view content) {
  return {name, content.size(), std::max<std::size_t>(content.size(), 1), 1, 1, content};
}

}  // namespace

TEST_CASE("chunks in any order become a file when all are there, and not before") {
  Directory directory;
  UploadStore store(directory.settings);
  REQUIRE(store.open() == "");
  const auto third = store.add(chunk(3), kNow);
  REQUIRE(third.status == 200);
  REQUIRE(third.first);
  REQUIRE(third.received == 4);
  REQUIRE(store.has("file.txt", 3));
  REQUIRE_FALSE(store.has("file.txt", 1));
  REQUIRE_FALSE(store.has("file.txt", 0));
  REQUIRE_FALSE(store.has("file.txt", 4));
  REQUIRE_FALSE(store.has("other.txt", 3));
  REQUIRE_FALSE(store.add(chunk(1), kNow).first);
  const auto again = store.add(chunk(1), kNow);  // a client that did not hear the answer
  REQUIRE(again.status == 200);
  REQUIRE(again.received == 7);
  REQUIRE_FALSE(again.finished);
  REQUIRE(directory.complete() == 0);
  REQUIRE(directory.temporary() == 1);
  const auto last = store.add(chunk(2), kNow);
  REQUIRE(last.finished);
  REQUIRE(last.received == 10);
  REQUIRE(directory.read("file.txt") == "0123456789");
  REQUIRE(directory.temporary() == 0);
  REQUIRE(store.unfinished() == 0);
  REQUIRE_FALSE(store.has("file.txt", 1));
}

TEST_CASE("a file in one chunk, an empty one, and one that takes another's place") {
  Directory directory;
  directory.settings.permissions = 0640;
  UploadStore store(directory.settings);
  REQUIRE(store.open() == "");
  const auto outcome = store.add(whole("a", "one"), kNow);
  REQUIRE(outcome.first);
  REQUIRE(outcome.finished);
  REQUIRE(store.add(whole("empty", ""), kNow).finished);
  REQUIRE(store.add(whole("a", "two"), kNow).finished);
  REQUIRE(directory.read("a") == "two");
  struct stat info {};
  REQUIRE(::stat((directory.settings.directory + "/a").c_str(), &info) == 0);
  REQUIRE((info.st_mode & 0777) == 0640);
}

TEST_CASE("names that lead elsewhere are refused, and links are not followed") {
  Directory directory;
  UploadStore store(directory.settings);
  REQUIRE(store.open() == "");
  const std::string nul("a\0b", 3);
  for (const std::string& name : {std::string(), std::string("."), std::string(".."), std::string("../x"),
                                  std::string("/x"), std::string("a/b"), std::string("a\\b"), std::string(".hidden"),
                                  std::string("a\nb"), nul, std::string("\xff"), std::string(256, 'x')}) {
    REQUIRE(store.add(whole(name, "x"), kNow).status == 400);
  }
  std::ofstream(directory.root() / "outside") << "safe";
  fs::create_symlink(directory.root() / "outside", directory.root() / "in" / "link");
  REQUIRE(store.add(whole("link", "evil"), kNow).finished);
  REQUIRE(directory.read("link") == "evil");
  REQUIRE(directory.read("../outside") == "safe");
  REQUIRE(directory.temporary() == 0);
}

TEST_CASE("chunks that do not fit their file are refused and leave nothing behind") {
  Directory directory;
  UploadStore store(directory.settings);
  REQUIRE(store.open() == "");
  const std::uint64_t huge = ~std::uint64_t{0};
  for (const UploadChunk& bad : {
           UploadChunk{"f", 10, 3, 3, 0, "012"},
           UploadChunk{"f", 10, 3, 3, 4, "012"},
           UploadChunk{"f", 10, 3, 0, 1, "012"},
           UploadChunk{"f", 10, 0, 3, 1, ""},
           UploadChunk{"f", 10, 3, 3, 1, "0123"},
           UploadChunk{"f", 10, 3, 3, 3, "678"},
           UploadChunk{"f", 10, 3, 5, 1, "012"},
           UploadChunk{"f", 10, huge, 3, 1, "012"},
           UploadChunk{"f", 10, 3, huge, 1, "012"},
           UploadChunk{"f", 10, 3, 3, huge, "012"},
       }) {
    REQUIRE(store.add(bad, kNow).status == 400);
  }
  REQUIRE(store.add(UploadChunk{"f", huge, 3, 3, 1, "012"}, kNow).status == 413);
  REQUIRE(store.unfinished() == 0);
  REQUIRE(directory.temporary() == 0);
  REQUIRE(store.add(chunk(1, "f"), kNow).status == 200);
  REQUIRE(store.add(UploadChunk{"f", 11, 3, 3, 2, "345"}, kNow).status == 409);
  REQUIRE(store.add(chunk(2, "f"), kNow).status == 200);
}

TEST_CASE("size and type of files are limited") {
  Directory directory;
  directory.settings.max_file_size = 9;
  directory.settings.file_types = {".csv"};
  UploadStore store(directory.settings);
  REQUIRE(store.open() == "");
  REQUIRE(store.add(chunk(1, "a.csv"), kNow).status == 413);
  REQUIRE(store.add(whole("a.exe", "x"), kNow).status == 415);
  REQUIRE(store.add(whole("csv", "x"), kNow).status == 415);
  REQUIRE(store.add(whole("a.csv", "x"), kNow).status == 200);
}

TEST_CASE("what is unfinished is bounded in number and size, and removed after its time") {
  Directory directory;
  directory.settings.max_uploads = 2;
  directory.settings.upload_timeout = 60;
  UploadStore store(directory.settings);
  REQUIRE(store.open() == "");
  REQUIRE(store.add(chunk(1, "a"), kNow).status == 200);
  REQUIRE(store.add(chunk(1, "b"), kNow + std::chrono::seconds(30)).status == 200);
  REQUIRE(store.add(chunk(1, "c"), kNow + std::chrono::seconds(59)).status == 503);
  REQUIRE(store.add(chunk(1, "c"), kNow + std::chrono::seconds(60)).status == 200);  // "a" is gone
  REQUIRE_FALSE(store.has("a", 1));
  REQUIRE(directory.temporary() == 2);
  store.remove_stale(kNow + std::chrono::seconds(200));
  REQUIRE(store.unfinished() == 0);
  REQUIRE(directory.temporary() == 0);

  directory.settings.max_unfinished_size = 25;
  UploadStore small(directory.settings);
  REQUIRE(small.open() == "");
  REQUIRE(small.add(chunk(1, "a"), kNow).status == 200);
  REQUIRE(small.add({"b", 16, 3, 5, 1, "012"}, kNow).status == 503);
  REQUIRE(small.add({"b", 15, 3, 5, 1, "012"}, kNow).status == 200);
}

TEST_CASE("what an earlier run has left is removed; directories that do not serve are named") {
  Directory directory;
  fs::create_directories(directory.root() / "temp");
  std::ofstream(directory.root() / "temp" / "upload-1-1.part") << "x";
  std::ofstream(directory.root() / "temp" / "mine") << "x";
  REQUIRE(UploadStore(directory.settings).open() == "");
  REQUIRE(directory.temporary() == 1);
  directory.settings.directory = "/nowhere/at/all";
  REQUIRE(UploadStore(directory.settings).open() == "there is no directory /nowhere/at/all");
}
