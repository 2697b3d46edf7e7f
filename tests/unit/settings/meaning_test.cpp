#include <catch2/catch.hpp>

#include <nlohmann/json.hpp>

#include "settings/load.hpp"

using namespace crosspoint::settings;

namespace {

Environment environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    if (name == "PORT") return "8123";
    if (name == "TICKET") return "from the environment";
    if (name == "DIR") return "run";
    return std::nullopt;
  };
}

Report report_of(const std::string& workers) {
  return load_json(R"({"version":2,"workers":[)" + workers + "]}", "config.json", "/node/.crossbar", environment());
}

Node load(const std::string& workers) {
  auto report = report_of(workers);
  for (const auto& error : report.errors) UNSCOPED_INFO(error.text());
  REQUIRE(report.node.has_value());
  return *report.node;
}

RouterWorker load_router(const std::string& body) {
  return std::get<RouterWorker>(load("{\"type\":\"router\"," + body + "}").workers.at(0).kind);
}

std::vector<Permission> load_permissions(const std::string& list) {
  const auto router =
      load_router(R"("realms":[{"name":"realm1","roles":[{"name":"user","permissions":)" + list + "}]}]");
  return std::get<StaticPermissions>(router.realms[0].roles[0].permissions).permissions;
}

WebSocket load_websocket(const std::string& body) {
  const auto router =
      load_router(R"("transports":[{"type":"websocket","endpoint":{"type":"tcp","port":1})" + body + "}]");
  return std::get<WebSocket>(router.transports[0].kind);
}

}  // namespace

TEST_CASE("a star at the end of a URI means prefix, any other star wildcard, unless there is a match") {
  const auto rules = load_permissions(R"([{"uri":"*"},{"uri":"com.x*"},{"uri":"a.*.c"},{"uri":"a.*.*"},{"uri":"plain"},
      {"uri":"com.*","match":"exact"},{"uri":"com.x","match":"prefix"},{"uri":"a..c","match":"wildcard"}])");
  const std::vector<std::pair<std::string, Match>> expected{
      {"", Match::prefix},     {"com.x", Match::prefix}, {"a..c", Match::wildcard}, {"a..", Match::wildcard},
      {"plain", Match::exact}, {"com.*", Match::exact},  {"com.x", Match::prefix},  {"a..c", Match::wildcard}};
  REQUIRE(rules.size() == expected.size());
  for (std::size_t i = 0; i < rules.size(); ++i) {
    REQUIRE(rules[i].uri == expected[i].first);
    REQUIRE(rules[i].match == expected[i].second);
  }
}

TEST_CASE("what a permission does not mention is false") {
  const auto rules =
      load_permissions(R"([{"uri":"a"},{"uri":"b","allow":{"call":true},"disclose":{"publisher":true}}])");
  REQUIRE_FALSE((rules[0].call || rules[0].register_ || rules[0].publish || rules[0].subscribe || rules[0].cache));
  REQUIRE(rules[1].call);
  REQUIRE_FALSE(rules[1].publish);
  REQUIRE(rules[1].disclose_publisher);
  REQUIRE_FALSE(rules[1].disclose_caller);
}

TEST_CASE("a permission has its own trust level, or its role's") {
  const auto router = load_router(R"("realms":[{"name":"realm1","roles":[
      {"name":"a","trustlevel":3,"permissions":[{"uri":"x","trustlevel":0},{"uri":"y"}]},
      {"name":"b","trustlevel":4,"allow-by-default":true},{"name":"c","permissions":[{"uri":"x"}]}]}])");
  const auto& roles = router.realms[0].roles;
  const auto& rules = std::get<StaticPermissions>(roles[0].permissions).permissions;
  REQUIRE(rules[0].trustlevel == 0);
  REQUIRE(rules[1].trustlevel == 3);
  REQUIRE(roles[1].trustlevel == 4);
  REQUIRE_FALSE(std::get<StaticPermissions>(roles[2].permissions).permissions[0].trustlevel);
}

TEST_CASE("a role has permissions, or an authorizer, or one answer to everything") {
  const auto router = load_router(R"("realms":[{"name":"realm1","roles":[{"name":"a","permissions":[]},
      {"name":"b","authorizer":"com.auth"},{"name":"c"},{"name":"d","allow-by-default":true}]}])");
  const auto& roles = router.realms[0].roles;
  REQUIRE(std::get<StaticPermissions>(roles[0].permissions).permissions.empty());
  REQUIRE(std::get<DynamicPermissions>(roles[1].permissions).authorizer == "com.auth");
  REQUIRE_FALSE(std::get<FixedPermission>(roles[2].permissions).allow);
  REQUIRE(std::get<FixedPermission>(roles[3].permissions).allow);
}

TEST_CASE("ids that are missing are numbered over the whole node, given ones use no number up") {
  const auto node = load(R"({"type":"router","realms":[{"name":"aaa","roles":[{"name":"x"},{"name":"y","id":"mine"}]},
      {"name":"bbb","id":"own","roles":[{"name":"x"}]}]},{"type":"router","id":"second","realms":[{"name":"ccc"}]},
      {"type":"guest","executable":"x"})");
  REQUIRE(node.workers[0].id == "worker001");
  REQUIRE(node.workers[1].id == "second");
  REQUIRE(node.workers[2].id == "worker002");
  const auto& first = std::get<RouterWorker>(node.workers[0].kind);
  const auto& second = std::get<RouterWorker>(node.workers[1].kind);
  REQUIRE(first.realms[0].id == "realm001");
  REQUIRE(first.realms[1].id == "own");
  REQUIRE(second.realms[0].id == "realm002");
  REQUIRE(first.realms[0].roles[0].id == "role001");
  REQUIRE(first.realms[1].roles[0].id == "role002");
}

TEST_CASE("ports and secrets may come from the environment") {
  const auto router = load_router(R"("transports":[{"type":"websocket","endpoint":{"type":"tcp","port":"$PORT"},
      "auth":{"ticket":{"type":"static","principals":{"joe":{"ticket":"${TICKET}"},"ann":{"ticket":"$TICKET"}}}}}])");
  REQUIRE(std::get<TcpEndpoint>(router.transports[0].endpoint).port == 8123);
  const auto& auth = std::get<WebSocket>(router.transports[0].kind).auth;
  const auto& principals = std::get<StaticTicket>(auth.at(0).config).principals;
  REQUIRE(principals.at("joe").ticket == "from the environment");
  REQUIRE(principals.at("ann").ticket == "$TICKET");
}

TEST_CASE("a worker is disabled by true or by a variable that is set to anything") {
  REQUIRE(load(R"({"type":"router","options":{"disabled":true}})").workers[0].disabled);
  REQUIRE(load(R"({"type":"router","options":{"disabled":"${PORT}"}})").workers[0].disabled);
  const auto report = report_of(R"({"type":"router","options":{"disabled":"${NOT_SET}"}})");
  REQUIRE_FALSE(report.node->workers[0].disabled);
  REQUIRE(report.warnings.size() == 1);
}

TEST_CASE("relative paths are relative to the node directory") {
  const auto router = load_router(R"("transports":[
      {"type":"web","endpoint":{"type":"unix","path":"$DIR/${DIR}/$NONE.sock"},
       "paths":{"/":{"type":"static","directory":"../web"},"a":{"type":"static","directory":"/srv/a/"}}},
      {"type":"web","endpoint":{"type":"tcp","port":1,"tls":{"key":"k.pem","certificate":"../c.pem"}},"paths":{}}])");
  REQUIRE(std::get<UnixEndpoint>(router.transports[0].endpoint).path == "/node/.crossbar/run/run/$NONE.sock");
  const auto& paths = std::get<Web>(router.transports[0].kind).paths;
  REQUIRE(std::get<StaticFiles>(paths[0].service).directory == "/node/web");
  REQUIRE(std::get<StaticFiles>(paths[1].service).directory == "/srv/a/");
  const auto& tls = *std::get<TcpEndpoint>(router.transports[1].endpoint).tls;
  REQUIRE(tls.key == "/node/.crossbar/k.pem");
  REQUIRE(tls.certificate == "/node/c.pem");
  const auto guest =
      std::get<GuestWorker>(load(R"({"type":"guest","executable":"../x","options":{"workdir":".."}})").workers[0].kind);
  REQUIRE(guest.workdir == "/node/");
  REQUIRE(guest.executable == "../x");
}

TEST_CASE("WebSocket options have Crossbar's defaults") {
  const auto websocket = load_websocket("");
  const auto& options = websocket.options;
  REQUIRE(options.allowed_origins == std::vector<std::string>{"*"});
  REQUIRE(options.allow_null_origin);
  REQUIRE(options.require_websocket_subprotocol);
  REQUIRE(options.enable_webstatus);
  REQUIRE(options.max_message_size == 0);
  REQUIRE(options.auto_ping_interval_ms == 0);
  REQUIRE(options.auto_ping_size == 12);
  REQUIRE_FALSE(options.compression.has_value());
  REQUIRE(options.queue.max_queued_bytes == 16 * 1024 * 1024);
  REQUIRE(options.queue.max_stream_wait_ms == 20'000);
  REQUIRE(websocket.serializers.empty());
  REQUIRE(websocket.auth.empty());
  const auto set =
      load_websocket(R"(,"options":{"compression":{"deflate":{"max_window_bits":10}},"auto_ping_interval":500})");
  REQUIRE(set.options.compression->max_window_bits == 10);
  REQUIRE(set.options.compression->memory_level == 8);
  REQUIRE(set.options.auto_ping_interval_ms == 500);
}

TEST_CASE("static files are cached for twelve hours unless told otherwise; null sends no cache headers") {
  const auto router = load_router(R"("transports":[{"type":"web","endpoint":{"type":"tcp","port":1},"paths":{
      "a":{"type":"static","directory":"."},"b":{"type":"static","directory":".","options":{"cache_timeout":null}},
      "c":{"type":"static","directory":".","options":{"cache_timeout":5}}}}])");
  const auto& paths = std::get<Web>(router.transports[0].kind).paths;
  REQUIRE(std::get<StaticFiles>(paths[0].service).cache_timeout == 43200U);
  REQUIRE_FALSE(std::get<StaticFiles>(paths[1].service).cache_timeout.has_value());
  REQUIRE(std::get<StaticFiles>(paths[2].service).cache_timeout == 5U);
}

TEST_CASE("what Crossbar has and this router does not is named, apart from mistakes") {
  const auto report = report_of(R"({"type":"container","components":[]},{"type":"proxy"},
      {"type":"router","components":[{"type":"class"}],"realms":[{"name":"realm1","stats":{}}],"transports":[
        {"type":"mqtt"},{"type":"web","endpoint":{"type":"twisted"},"paths":{"a":{"type":"wsgi"},"b":{"type":"websocket-reverseproxy"}}},
        {"type":"websocket","endpoint":{"type":"tcp","port":1},"serializers":["flatbuffers"],
         "auth":{"anonymous":{"type":"function"},"cryptosign-proxy":{}}}]})");
  REQUIRE(report.errors.empty());
  std::vector<std::string> paths;
  for (const auto& problem : report.unsupported) paths.push_back(problem.path);
  REQUIRE(paths ==
          std::vector<std::string>{"workers[0]", "workers[1]", "workers[2].realms[0].stats", "workers[2].components[0]",
                                   "workers[2].transports[0]", "workers[2].transports[1].endpoint",
                                   "workers[2].transports[1].paths.a", "workers[2].transports[1].paths.b",
                                   "workers[2].transports[2].serializers[0]", "workers[2].transports[2].auth.anonymous",
                                   "workers[2].transports[2].auth.cryptosign-proxy"});
  REQUIRE(report.unsupported[0].what.find("Python") != std::string::npos);
}

TEST_CASE("rules that Crossbar reads differently are pointed out, unless its way is asked for") {
  const std::string rules = R"([{"uri":"a.","match":"prefix"},{"uri":"a.b"},{"uri":".x","match":"wildcard"}])";
  const auto realm = [&](const std::string& compat) {
    return R"({"type":"router","realms":[{"name":"realm1")" + compat + R"(,"roles":[{"name":"u","permissions":)" +
           rules + "}]}]}";
  };
  REQUIRE(report_of(realm("")).warnings.size() == 2);
  REQUIRE(report_of(realm(R"(,"compat":{"permissions":"crossbar"})")).warnings.empty());
}

TEST_CASE("keys of a role that have no effect are pointed out") {
  const auto report = report_of(
      R"({"type":"router","realms":[{"name":"realm1","roles":[{"name":"u","authorizer":"x","disclose":{"caller":true}}]}]})");
  REQUIRE(report.errors.empty());
  REQUIRE(report.warnings.at(0).what == "unknown key \"disclose\": it has no effect");
}

TEST_CASE("mailboxes that the nodes of a cluster do not share are pointed out") {
  const auto report = [](const std::string& mailboxes) {
    return load_json(R"({"version":2,"cluster":{"redis":"redis://localhost"},"workers":[{"type":"router","realms":[)"
                     R"({"name":"realm1","clustered":true,"roles":[],"mailboxes":{)" +
                         mailboxes + "}}]}]}",
                     "config.json", "/node/.crossbar", environment());
  };
  for (const char* own : {R"("type":"memory")", R"("type":"sqlite","path":"mail.db")"}) {
    INFO(own);
    REQUIRE(report(own).errors.empty());
    REQUIRE(report(own).warnings.size() == 1);
    REQUIRE(report(own).warnings[0].path == "workers[0].realms[0].mailboxes.type");
  }
  REQUIRE(report(R"("type":"redis","redis":"redis://localhost")").errors.empty());
  REQUIRE(report(R"("type":"redis","redis":"redis://localhost")").warnings.empty());
}

TEST_CASE("sign-in by certificates that nobody is asked for is warned of, wherever it is") {
  const auto warnings = [](const std::string& tls, const std::string& kind) {
    const auto report =
        report_of(R"({"type":"router","transports":[{"endpoint":{"type":"tcp","port":1)" + tls + "}," + kind + "}]}");
    REQUIRE(report.errors.empty());
    std::string paths;
    for (const auto& warning : report.warnings) paths += warning.path + " ";
    return paths;
  };
  const std::string auth = R"("auth":{"tls":{"type":"static","principals":{}}})";
  const std::string websocket = R"("type":"websocket",)" + auth;
  const std::string no_authority = R"(,"tls":{"key":"k","certificate":"c"})";
  const std::string good = R"(,"tls":{"key":"k","certificate":"c","ca_certificates":["a"]})";
  REQUIRE(warnings("", websocket) == "workers[0].transports[0].auth.tls ");
  REQUIRE(warnings(no_authority, websocket) == "workers[0].transports[0].auth.tls ");
  REQUIRE(warnings(good, websocket) == "");
  REQUIRE(warnings("", R"("type":"rawsocket",)" + auth) == "workers[0].transports[0].auth.tls ");
  const std::string paths =
      R"("paths":{"a":{"type":"path","paths":{"b":{)" + websocket + R"(}}},"lp":{"type":"longpoll",)" + auth + "}}";
  REQUIRE(warnings("", R"("type":"web",)" + paths) ==
          "workers[0].transports[0].paths.a.paths.b.auth.tls workers[0].transports[0].paths.lp.auth.tls ");
  REQUIRE(warnings("", R"("type":"universal","rawsocket":{)" + auth + R"(},"websocket":{"w":{)" + auth +
                           R"(}},"web":{)" + paths + "}") ==
          "workers[0].transports[0].rawsocket.auth.tls workers[0].transports[0].websocket.w.auth.tls "
          "workers[0].transports[0].web.paths.a.paths.b.auth.tls workers[0].transports[0].web.paths.lp.auth.tls ");
}

TEST_CASE("cookies that pages of any origin may use to sign in are warned of") {
  const auto warnings = [](const std::string& cookie, const std::string& options) {
    const auto report =
        report_of(R"({"type":"router","transports":[{"type":"websocket","endpoint":{"type":"tcp","port":1},"auth":)"
                  R"({"cookie":{}},"cookie":{"store":{"type":"memory"})" +
                  cookie + "}" + options + "}]}");
    for (const auto& error : report.errors) UNSCOPED_INFO(error.text());
    REQUIRE(report.errors.empty());
    return report.warnings.size();
  };
  REQUIRE(warnings("", "") == 1);
  REQUIRE(warnings(R"(,"same_site":"None","secure":true)", "") == 1);
  REQUIRE(warnings(R"(,"same_site":"Lax")", "") == 0);
  REQUIRE(warnings(R"(,"same_site":"Strict")", "") == 0);
  REQUIRE(warnings("", R"(,"options":{"allowed_origins":["https://example.org"]})") == 0);
  REQUIRE(warnings("", R"(,"options":{"allowed_origins":["https://example.org","*"]})") == 1);
}
