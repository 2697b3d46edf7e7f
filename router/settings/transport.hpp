#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "settings/auth.hpp"
#include "settings/endpoint.hpp"
#include "settings/file_services.hpp"
#include "settings/gateway.hpp"
#include "settings/web_services.hpp"
#include "settings/websocket.hpp"

/// `transports` of a router worker.
namespace crosspoint::settings {

/// `cookie` of a WebSocket endpoint.
struct Cookie {
  std::string name = "cbtid";
  std::uint32_t length = 24;
  std::uint32_t max_age = 604800;  ///< seconds
  enum class Store { memory, file, database } store = Store::memory;
  std::string store_path;                       ///< absolute; of a file or database
  bool purge_on_startup = false;                ///< a file: of expired cookies; a database: of all
  bool readonly = false;                        ///< of a database: nothing is stored
  bool sync = true;                             ///< of a database: wait for the disk
  std::uint64_t max_size = 1024 * 1024 * 1024;  ///< of a database, in bytes
  std::uint32_t limit = 100'000;                ///< cookies kept; then the oldest are forgotten
  bool secure = false;
  bool http_strict = false;  ///< HttpOnly
  std::string same_site;     ///< "Strict", "Lax", "None" or empty
};

/// A WebSocket endpoint: a transport of its own, or a path service.
struct WebSocket {
  std::string url;                       ///< informational
  std::vector<std::string> serializers;  ///< names; empty: all there are
  WebSocketOptions options;
  Auth auth;
  std::optional<Cookie> cookie;
  bool echo = false;  ///< no WAMP: messages are sent back (websocket-testee)
};

struct RawSocket {
  std::vector<std::string> serializers;
  std::size_t max_message_size = 16 * 1024 * 1024;
  std::uint32_t auto_ping_interval_ms = 0;
  std::uint32_t auto_ping_timeout_ms = 0;
  QueueOptions queue;
  Auth auth;
};

// Path services of a web transport.

struct StaticFiles {
  std::string directory;  ///< absolute
  bool enable_directory_listing = false;
  std::map<std::string, std::string> mime_types;       ///< ".ext" to type
  std::optional<std::uint32_t> cache_timeout = 43200;  ///< seconds; none sends no cache headers
  std::string default_file;                            ///< served in place of what is missing; empty: 404
};
struct JsonValue {
  std::string value;  ///< JSON text
  bool prettify = false;
  bool allow_cross_origin = true;
  bool discourage_caching = false;
};
struct Redirect {
  std::string url;
};
struct NodeInfo {};
struct NoService {};
struct WebPath;
/// Nested paths.
struct PathService {
  std::vector<WebPath> paths;
};
/// A service that Crossbar has and Crosspoint does not. Its settings are not checked.
struct UnsupportedService {
  std::string type;
};

using WebService =
    std::variant<NoService, WebSocket, Gateway, StaticFiles, JsonValue, Redirect, NodeInfo, PathService, Publisher,
                 Caller, Webhook, LongPoll, ReverseProxy, Archive, Cgi, Upload, UnsupportedService>;

struct WebPath {
  std::string path;  ///< one component, or "/" for what no other path takes
  WebService service;
};

struct Web {
  std::vector<WebPath> paths;
  bool access_log = false;
  bool hsts = false;
  std::uint32_t hsts_max_age = 31536000;        ///< seconds
  std::optional<std::uint32_t> client_timeout;  ///< seconds
};

/// WebSocket, RawSocket and the web on one port.
struct Universal {
  std::optional<RawSocket> rawsocket;
  std::vector<std::pair<std::string, WebSocket>> websocket;  ///< by path
  std::optional<Web> web;
};

struct UnsupportedTransport {
  std::string type;
};

struct Transport {
  std::string id;
  std::string path;  ///< in the configuration, for messages
  Endpoint endpoint;
  std::variant<Web, WebSocket, RawSocket, Universal, UnsupportedTransport> kind;
};

}  // namespace crosspoint::settings
