#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "settings/load.hpp"

/// Internal to settings/: reading JSON with every problem collected under its path.
namespace crosspoint::settings {

using Json = nlohmann::ordered_json;

/// What loading one document works with.
struct LoadContext {
  std::string file;
  std::string node_directory;
  const Environment& environment;
  Report& report;
  std::map<std::string, int> counters;         ///< of automatic ids
  const std::vector<Realm>* realms = nullptr;  ///< of the router worker whose transports are being read

  void error(const std::string& path, std::string what, std::string allowed = {});
  void warn(const std::string& path, std::string what, std::string allowed = {});
  void unsupported(const std::string& path, std::string what);
  /// `path` absolute, or joined to the node directory.
  std::string absolute(const std::string& path) const;
  /// "worker001" and so on, numbered over the whole node in the order of use.
  std::string next_id(const std::string& kind);
};

/// A value as text for messages, cut short.
std::string show(const Json& value);

/// An object of the document. Each key that is asked for counts as known; finish() reports the others, so that what is
/// read and what is allowed are the same thing.
class ObjectReader {
 public:
  /// Reports an error if `value` is no object; every look-up then finds nothing.
  ObjectReader(LoadContext& context, const Json& value, std::string path);

  bool good() const { return object_ != nullptr; }
  const std::string& path() const { return path_; }
  std::string path_of(std::string_view key) const;
  LoadContext& context() { return context_; }

  /// nullptr if the key is missing. Marks it as known.
  const Json* find(std::string_view key);
  /// The same, and an error if it is missing.
  const Json* require(std::string_view key, std::string_view allowed);
  /// Marks a key as known without reading it.
  void ignore(std::string_view key) { find(key); }

  std::optional<std::string> text(std::string_view key);
  std::string text_or(std::string_view key, std::string fallback);
  std::string required_text(std::string_view key, std::string_view allowed = "a string");
  /// A text that is not shown in messages; "${NAME}" is replaced by an environment variable.
  std::string required_secret(std::string_view key);
  bool boolean(std::string_view key, bool fallback);
  std::optional<std::int64_t> integer(std::string_view key, std::int64_t least, std::int64_t most);
  std::vector<std::string> texts(std::string_view key);
  /// The index of a text in `names`, `fallback` if the key is missing or (reported) wrong.
  std::size_t choice(std::string_view key, const std::vector<std::string_view>& names, std::size_t fallback);

  /// Reports keys that nobody asked for: as errors, or as warnings where Crossbar ignores them.
  void finish(bool strict = true);

 private:
  void wrong(std::string_view key, const Json& value, std::string_view allowed);

  LoadContext& context_;
  const Json* object_ = nullptr;
  std::string path_;
  std::vector<std::string> known_;
};

/// A text that is not shown in messages; "${NAME}" is replaced by an environment variable. Nothing if it is wrong,
/// which is reported.
std::optional<std::string> read_secret(LoadContext& context, const Json& value, const std::string& path);

/// Calls `read(item, path)` for each item of a list under `key`; an error if it is no list. Missing is empty.
template <class Read>
void each_item(ObjectReader& object, std::string_view key, Read&& read) {
  const Json* list = object.find(key);
  if (list == nullptr) return;
  if (!list->is_array()) {
    object.context().error(object.path_of(key), show(*list) + " is not a list", "a list");
    return;
  }
  for (std::size_t i = 0; i < list->size(); ++i) read((*list)[i], object.path_of(key) + "[" + std::to_string(i) + "]");
}

/// Calls `read(name, value, path)` for each entry of an object under `key`; an error if it is no object.
template <class Read>
void each_entry(ObjectReader& object, std::string_view key, Read&& read) {
  const Json* entries = object.find(key);
  if (entries == nullptr) return;
  if (!entries->is_object()) {
    object.context().error(object.path_of(key), show(*entries) + " is not an object", "an object");
    return;
  }
  for (const auto& [name, value] : entries->items()) read(name, value, object.path_of(key) + "." + name);
}

// The loaders, one file each.
Node load_node(LoadContext& context, const Json& document);
/// `redis`, and what else says how the server is reached.
Redis load_redis(ObjectReader& object);
Cluster load_cluster(LoadContext& context, const Json& value);
Realm load_realm(LoadContext& context, const Json& value, const std::string& path);
Mailboxes load_mailboxes(LoadContext& context, const Json& value, const std::string& path, const std::string& realm);
Transport load_transport(LoadContext& context, const Json& value, const std::string& path);
Endpoint load_endpoint(ObjectReader& transport);
WebSocket load_websocket(ObjectReader& object);
void load_rawsocket(ObjectReader& object, RawSocket& out);
Web load_web(ObjectReader& object);
Publisher load_publisher(ObjectReader& object);
Caller load_caller(ObjectReader& object);
Webhook load_webhook(ObjectReader& object);
LongPoll load_longpoll(ObjectReader& object);
Gateway load_gateway(ObjectReader& object);
Archive load_archive(ObjectReader& object);
Cgi load_cgi(ObjectReader& object);
Upload load_upload(ObjectReader& object);
/// `realm` and `role` of a service; errors for those that are not there.
BridgeTarget load_target(ObjectReader& object);
/// `mime_types` of a service that serves files.
std::map<std::string, std::string> load_mime_types(ObjectReader& object);
Auth load_auth(ObjectReader& object);
/// Warns of methods that cannot work on a transport, or that let others in.
void warn_of_auth(LoadContext& context, const Transport& transport);
GuestWorker load_guest(ObjectReader& object);
/// Looks at what clustered realms need.
void check_cluster(LoadContext& context, const Node& node);
/// Looks for the realms and roles that gateways name.
void check_gateways(LoadContext& context, const RouterWorker& router);
void load_websocket_options(ObjectReader& object, WebSocketOptions& out);
void load_queue_options(ObjectReader& options, QueueOptions& out);
std::optional<Cookie> load_cookie(ObjectReader& object);
std::vector<std::string> load_serializers(ObjectReader& object, const std::vector<std::string_view>& known);

/// The rule for stars in URIs that have no `match`.
void convert_starred_uri(std::string& uri, Match& match);

/// YAML text as JSON; throws std::runtime_error with line and column.
Json parse_yaml(const std::string& text);

}  // namespace crosspoint::settings
