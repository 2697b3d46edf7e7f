#include <catch2/catch.hpp>

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "settings/load.hpp"

using namespace crosspoint::settings;
namespace fs = std::filesystem;

namespace {

/// A directory of its own for each test, gone afterwards.
class Directory {
 public:
  Directory() {
    std::string pattern = (fs::temp_directory_path() / "crosspoint-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~Directory() { fs::remove_all(path_); }
  Directory(const Directory&) = delete;
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name) << text;
    return (path_ / name).string();
  }
  std::string path() const { return path_.string(); }

 private:
  fs::path path_;
};

Environment no_environment() {
  return [](const std::string&) { return std::nullopt; };
}

Report load(const std::string& file) { return load_file(file, "/node", no_environment()); }

}  // namespace

TEST_CASE("the node directory is what is given, else CROSSBAR_DIR; of a file it is the directory") {
  const Directory directory;
  const std::string file = directory.write("config.json", "{}");
  const Environment set = [&](const std::string& name) -> std::optional<std::string> {
    return name == "CROSSBAR_DIR" ? std::optional(directory.path()) : std::nullopt;
  };
  REQUIRE(find_node_directory("/some/where/", set) == "/some/where");
  REQUIRE(find_node_directory("", set) == directory.path());
  REQUIRE(find_node_directory(file, set) == directory.path());
  REQUIRE(fs::path(find_node_directory("", no_environment())).is_absolute());
}

TEST_CASE("config.yaml comes before config.json; a given name is joined to the node directory") {
  const Directory directory;
  REQUIRE(find_config_file(directory.path(), "").empty());
  directory.write("config.json", "{}");
  REQUIRE(find_config_file(directory.path(), "") == directory.path() + "/config.json");
  directory.write("config.yaml", "");
  REQUIRE(find_config_file(directory.path(), "") == directory.path() + "/config.yaml");
  REQUIRE(find_config_file(directory.path(), "other.json") == directory.path() + "/other.json");
  REQUIRE(find_config_file(directory.path(), "/etc/x.json") == "/etc/x.json");
}

TEST_CASE("no file at all is a node without workers") {
  const auto report = load("");
  REQUIRE(report.node.has_value());
  REQUIRE(report.node->workers.empty());
}

TEST_CASE("files that cannot be read say why in one line") {
  const Directory directory;
  REQUIRE(load(directory.path() + "/none.json").errors.at(0).text() ==
          directory.path() + "/none.json: cannot be read: No such file or directory");
  REQUIRE(load(directory.write("config.toml", "")).errors.at(0).what ==
          "invalid configuration file extension \".toml\"");
  const auto syntax = load(directory.write("config.json", "{\n  \"version\": 2,\n  \"workers\": [}\n")).errors.at(0);
  REQUIRE(syntax.what.find("at line 3, column 15") != std::string::npos);
  REQUIRE(load(directory.write("config.json", "")).errors.size() == 1);
  REQUIRE(load(directory.write("config.json", "[]")).errors.at(0).what == "array instead of an object");
  REQUIRE(load(directory.write("config.json", "{\"version\":2,\"x\":" + std::string(100000, '[')))
              .errors.at(0)
              .what.find("64 levels") != std::string::npos);
  REQUIRE(load(directory.write("config.yaml", "a: [1,\nb: 2")).errors.at(0).what.find("not valid YAML") !=
          std::string::npos);
}

TEST_CASE("YAML is read like the JSON it stands for") {
  const Directory directory;
  const auto report = load(directory.write("config.yaml", R"(
version: 2
workers:
- type: router
  realms:
  - name: realm1
    roles:
    - name: anonymous
      permissions:
      - {uri: '', match: prefix, allow: {call: true, publish: no}}
  transports:
  - type: websocket
    endpoint: {type: tcp, port: 8080, interface: "127.0.0.1"}
    auth:
      ticket:
        type: static
        principals:
          joe: {ticket: "12345", role: anonymous}
)"));
  REQUIRE(report.errors.size() == 1);  // YAML 1.2 has no "no"
  REQUIRE(report.errors[0].path == "workers[0].realms[0].roles[0].permissions[0].allow.publish");
  const auto good = load(directory.write(
      "config.yaml", "version: 2\nworkers:\n- {type: guest, executable: x, arguments: ['1', \"true\"]}\n"));
  REQUIRE(std::get<GuestWorker>(good.node->workers[0].kind).arguments == std::vector<std::string>{"1", "true"});
}

TEST_CASE("version 1 becomes version 2: permissions change their form, the rest stays") {
  std::string problem;
  const auto upgraded =
      upgrade_json(R"({"controller":{},"workers":[{"type":"router","realms":[{"name":"realm1","roles":[
      {"name":"a","permissions":[{"uri":"com.*","publish":true,"call":true},{"uri":"com.x","subscribe":true}]}]}]},
      {"type":"guest","executable":"x"}]})",
                   problem);
  REQUIRE(upgraded.has_value());
  const auto document = nlohmann::ordered_json::parse(*upgraded);
  REQUIRE(document.begin().key() == "version");
  const auto& rules = document["workers"][0]["realms"][0]["roles"][0]["permissions"];
  REQUIRE(rules[0]["uri"] == "com.");
  REQUIRE(rules[0]["match"] == "prefix");
  REQUIRE(rules[0]["allow"] ==
          nlohmann::ordered_json::parse(R"({"call":true,"register":false,"publish":true,"subscribe":false})"));
  REQUIRE(rules[0]["cache"] == true);
  REQUIRE(rules[1]["match"] == "exact");
  REQUIRE(document["workers"][1]["executable"] == "x");
  REQUIRE(load_json(*upgraded, "x", "/node", no_environment()).errors.empty());
  REQUIRE(upgrade_json("{\"version\":2}", problem) == "{\"version\":2}");
  REQUIRE_FALSE(upgrade_json("[]", problem).has_value());
  REQUIRE_FALSE(upgrade_json("{", problem).has_value());
}

TEST_CASE("the node key is what Crossbar's file key.priv has; without that file there is none") {
  const Directory directory;
  const std::string config = R"({"version":2,"workers":[{"type":"router","transports":[{"type":"websocket",
      "endpoint":{"type":"tcp","port":1},"auth":{"cryptosign":{"type":"static","principals":{}}}}]}]})";
  const auto load_here = [&] { return load_json(config, "config.json", directory.path(), no_environment()); };
  const auto key_of = [](const Report& report) {
    REQUIRE(report.node.has_value());
    const auto& router = std::get<RouterWorker>(report.node->workers.at(0).kind);
    const auto& auth = std::get<WebSocket>(router.transports.at(0).kind).auth;
    return std::get<StaticCryptosign>(auth.at(0).config).node_key;
  };
  REQUIRE(key_of(load_here()).empty());
  const std::string key(64, 'a');
  directory.write("key.priv", "Crossbar.io node private key - KEEP THIS SAFE!\n\ncreator: me\npublic-key-ed25519: " +
                                  std::string(64, 'b') + "\nprivate-key-ed25519: " + key + "\n");
  REQUIRE(key_of(load_here()) == key);
  directory.write("key.priv", "private-key-ed25519: secret\n");
  const auto report = load_here();
  REQUIRE(report.errors.size() == 1);
  REQUIRE(report.errors[0].path == "workers[0].transports[0].auth.cryptosign");
  REQUIRE(report.errors[0].text().find("key.priv") != std::string::npos);
  REQUIRE(report.errors[0].text().find("secret") == std::string::npos);
}
