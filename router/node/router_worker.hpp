#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/io_thread.hpp"
#include "cluster/link.hpp"
#include "connection/bridge_sessions.hpp"
#include "connection/endpoint.hpp"
#include "connection/router.hpp"
#include "gateway/gateway.hpp"
#include "node/cookie_stores.hpp"
#include "node/endpoint_sockets.hpp"
#include "node/gateway_nodes.hpp"
#include "settings/node.hpp"
#include "storage/sqlite_journal.hpp"
#include "transports/http_protocol.hpp"
#include "transports/http_service.hpp"
#include "transports/listener.hpp"
#include "transports/rawsocket_protocol.hpp"
#include "transports/stream_pool.hpp"
#include "transports/tls_context.hpp"
#include "transports/universal_protocol.hpp"
#include "transports/web/services.hpp"

namespace crosspoint::node {

/// A worker of type `router`: its I/O threads, realms and listening transports. Functions are for the node's main
/// thread.
class RouterWorker {
 public:
  /// `scripts` must outlive it.
  RouterWorker(const settings::RouterWorker& settings, std::string worker_id, std::string node_id,
               transports::web::ScriptRunner& scripts);
  /// Its clustered realms are joined to those of other nodes. Before open().
  void join_cluster(const settings::Cluster& settings);
  ~RouterWorker();
  RouterWorker(const RouterWorker&) = delete;
  RouterWorker& operator=(const RouterWorker&) = delete;

  /// Builds everything and opens every listening socket, so that nothing is half started. Returns false and says why
  /// in `problem` if something is not possible.
  bool open(InheritedSockets& inherited, std::string& problem);
  /// Starts the threads. `settled` is called once, on any thread, when it has joined its cluster, or has failed to at
  /// first; never if it has none.
  void start(std::function<void()> settled);
  bool is_clustered() const { return cluster_ != nullptr; }
  /// Begins to accept.
  void listen();

  /// Reads keys and certificates again, for new connections. Those that cannot be read stay as they are. Returns how
  /// many endpoints have new ones.
  std::size_t reload_certificates();

  /// The steps of a graceful stop. Each returns at once; what they lead to shows in the counts.
  void stop_listening();
  /// Has the gateway's workers told and its connections closed.
  void shut_down_gateway() { gateway_->shut_down(); }
  std::size_t gateway_count() const { return gateway_->count(); }
  void say_goodbye(std::string_view reason) { router_->say_goodbye(reason); }
  void close_connections(std::string_view reason) { pool_->close_all(reason); }
  std::size_t session_count() const { return router_->session_count(); }
  std::size_t connection_count() const { return pool_->size(); }
  /// Stops the threads and waits for them.
  void join();

  /// What it listens on, for the log.
  std::vector<std::string> addresses() const;

 private:
  bool add_realm(const settings::Realm& realm, std::string& problem);
  bool add_transport(const settings::Transport& transport, InheritedSockets& inherited, std::string& problem);
  // What a transport's connections begin with. problem_ says what is not possible.
  transports::ProtocolFactory make_factory(const settings::Web& web);
  transports::ProtocolFactory make_factory(const settings::WebSocket& websocket);
  transports::ProtocolFactory make_factory(const settings::RawSocket& rawsocket);
  transports::ProtocolFactory make_factory(const settings::Universal& universal);
  transports::ProtocolFactory make_factory(const settings::UnsupportedTransport& transport);
  transports::ProtocolFactory make_http_factory(std::unique_ptr<transports::HttpService> root,
                                                transports::HttpOptions options);
  std::unique_ptr<transports::HttpService> make_web_root(const settings::Web& web);
  const transports::RawSocketOptions& make_rawsocket(const settings::RawSocket& rawsocket);
  transports::ProtocolFactory with_tls(transports::ProtocolFactory factory, const settings::Tls& tls);
  connection::Endpoint& make_endpoint(const settings::Auth& auth, const settings::QueueOptions& queue);
  transports::MessageHandlerFactory& make_endpoint(const settings::WebSocket& settings);
  transports::web::ServiceContext service_context();
  std::vector<std::pair<std::string, std::string>> node_info() const;

  const settings::RouterWorker& settings_;
  const std::string worker_id_;
  const std::string node_id_;
  transports::web::ScriptRunner& scripts_;
  const std::chrono::system_clock::time_point started_ = std::chrono::system_clock::now();
  std::string problem_;  // of the functions that make something of settings; empty if all is well
  // In the order in which they may be destroyed last to first.
  std::vector<std::unique_ptr<transports::TlsContext>> tls_contexts_;
  std::vector<std::unique_ptr<base::IoThread>> threads_;
  std::unique_ptr<gateway::Gateway> gateway_;
  std::unique_ptr<connection::Router> router_;
  CookieStores cookie_stores_;
  std::vector<std::unique_ptr<storage::SqliteJournal>> journals_;
  std::unique_ptr<cluster::Link> cluster_;
  std::unique_ptr<GatewayNodes> gateway_nodes_;
  std::vector<std::unique_ptr<connection::Endpoint>> endpoints_;
  std::vector<std::unique_ptr<connection::BridgeSessions>> bridges_;
  std::vector<std::unique_ptr<transports::HttpService>> roots_;
  std::vector<std::unique_ptr<transports::HttpOptions>> http_options_;
  std::vector<std::unique_ptr<transports::RawSocketOptions>> rawsocket_options_;
  std::vector<std::unique_ptr<transports::UniversalOptions>> universal_options_;
  std::unique_ptr<transports::StreamPool> pool_;
  std::vector<std::unique_ptr<transports::Listener>> listeners_;
};

}  // namespace crosspoint::node
