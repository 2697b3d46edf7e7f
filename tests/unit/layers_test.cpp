#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>

namespace fs = std::filesystem;

namespace {

/// Which folders of router/ each may include from; docs/architecture.md has the same table.
const std::map<std::string, std::set<std::string>> kAllowed{
    {"base", {}},
    {"wamp", {"base"}},
    {"settings", {}},
    {"serializers", {"wamp", "base"}},
    {"realm", {"serializers", "wamp", "settings", "base"}},
    {"storage", {"redis", "realm", "serializers", "wamp", "settings", "base"}},
    {"auth", {"realm", "serializers", "wamp", "settings", "base"}},
    {"transports", {"serializers", "wamp", "settings", "base"}},
    {"redis", {"transports", "settings", "base"}},
    {"connection", {"auth", "realm", "transports", "serializers", "wamp", "settings", "base"}},
    {"gateway", {"connection", "storage", "realm", "transports", "serializers", "wamp", "settings", "base"}},
    {"cluster", {"connection", "redis", "realm", "serializers", "wamp", "settings", "base"}},
    {"guests", {"settings", "base"}},
    {"node",
     {"guests", "cluster", "gateway", "connection", "auth", "storage", "realm", "transports", "serializers", "wamp",
      "settings", "base"}},
    {"cli",
     {"node", "guests", "cluster", "gateway", "connection", "auth", "storage", "realm", "transports", "serializers",
      "wamp", "settings", "base"}},
};

const fs::path kRouter = fs::path(CROSSPOINT_SOURCE_DIR) / "router";

template <class Visit>
void each_source(Visit&& visit) {
  for (const auto& entry : fs::recursive_directory_iterator(kRouter)) {
    const auto extension = entry.path().extension();
    if (extension == ".cpp" || extension == ".hpp") visit(entry.path(), *fs::relative(entry.path(), kRouter).begin());
  }
}

}  // namespace

TEST_CASE("includes point one way: each folder of router/ uses only those below it") {
  const std::regex include("^#include \"([a-z_]+)/");
  int seen = 0;
  each_source([&](const fs::path& file, const std::string& folder) {
    REQUIRE(kAllowed.contains(folder));
    std::ifstream stream(file);
    std::string line;
    std::smatch match;
    while (std::getline(stream, line)) {
      if (!std::regex_search(line, match, include)) continue;
      ++seen;
      const std::string used = match[1];
      INFO(file << " includes " << used);
      REQUIRE((used == folder || kAllowed.at(folder).contains(used)));
    }
  });
  REQUIRE(seen > 300);
}

TEST_CASE("the build files link what the table allows") {
  const std::regex links("LINKS ([a-z ]+)");
  for (const auto& [folder, allowed] : kAllowed) {
    std::ifstream stream(kRouter / folder / "CMakeLists.txt");
    const std::string text((std::istreambuf_iterator<char>(stream)), {});
    std::smatch match;
    if (!std::regex_search(text, match, links)) continue;
    std::istringstream words(match[1]);
    for (std::string word; words >> word;) {
      INFO(folder << " links " << word);
      REQUIRE(allowed.contains(word));
    }
  }
}

TEST_CASE("no file of router/ is longer than 500 lines") {
  each_source([](const fs::path& file, const std::string&) {
    std::ifstream stream(file);
    const auto lines = std::count(std::istreambuf_iterator<char>(stream), {}, '\n');
    INFO(file);
    REQUIRE(lines <= 500);
  });
}
