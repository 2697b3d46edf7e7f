#include "node/router_worker.hpp"

#include <fmt/chrono.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "auth/methods.hpp"
#include "base/log.hpp"
#include "base/timestamp.hpp"
#include "connection/welcome.hpp"
#include "node/open_history.hpp"
#include "node/open_mailboxes.hpp"
#include "node/version.hpp"
#include "realm/permissions.hpp"
#include "transports/echo.hpp"
#include "transports/websocket_service.hpp"

namespace crosspoint::node {
namespace {

std::unique_ptr<const realm::Authorizer> make_authorizer(const settings::Role& role, const settings::Compat& compat) {
  if (const auto* fixed = std::get_if<settings::FixedPermission>(&role.permissions)) {
    return realm::make_fixed_authorizer({fixed->allow, false, role.trustlevel.value_or(wamp::kNoTrustLevel)});
  }
  if (const auto* rules = std::get_if<settings::StaticPermissions>(&role.permissions)) {
    return compat.crossbar_permissions ? realm::make_crossbar_authorizer(rules->permissions)
                                       : realm::make_static_authorizer(rules->permissions);
  }
  return nullptr;
}

const std::string kServerWithVersion = std::string("Crosspoint/") + kVersion;

transports::HttpOptions http_options(const settings::Web& web) {
  transports::HttpOptions options;
  options.access_log = web.access_log;
  options.hsts = web.hsts;
  options.hsts_max_age = web.hsts_max_age;
  if (web.client_timeout) options.client_timeout = *web.client_timeout;
  return options;
}

/// How long a connection of a universal transport may take to become a WebSocket; zero if it may be something else that
/// takes its time, or one of the WebSockets does not care.
std::chrono::milliseconds open_timeout(const settings::Universal& universal) {
  std::uint32_t most = 0;
  if (universal.web) return {};
  for (const auto& [path, websocket] : universal.websocket) {
    if (websocket.options.open_handshake_timeout_ms == 0) return {};
    most = std::max(most, websocket.options.open_handshake_timeout_ms);
  }
  return std::chrono::milliseconds(most);
}

}  // namespace

RouterWorker::RouterWorker(const settings::RouterWorker& settings, std::string worker_id, std::string node_id,
                           transports::web::ScriptRunner& scripts)
    : settings_(settings), worker_id_(std::move(worker_id)), node_id_(std::move(node_id)), scripts_(scripts) {
  const unsigned count =
      settings.io_threads > 0 ? settings.io_threads : std::clamp(std::thread::hardware_concurrency(), 1U, 64U);
  std::vector<base::IoThread*> threads;
  for (unsigned index = 0; index < count; ++index) {
    threads_.push_back(std::make_unique<base::IoThread>(index));
    threads.push_back(threads_.back().get());
  }
  router_ = std::make_unique<connection::Router>(threads, connection::RouterNames{node_id_, worker_id_});
  gateway_ = std::make_unique<gateway::Gateway>(*router_, count);
  pool_ = std::make_unique<transports::StreamPool>(threads);
}

RouterWorker::~RouterWorker() { join(); }

void RouterWorker::join_cluster(const settings::Cluster& settings) {
  settings::Cluster own = settings;
  if (own.node.empty()) own.node = node_id_;
  cluster_ = std::make_unique<cluster::Link>(own, *router_, static_cast<unsigned>(threads_.size()));
  gateway_nodes_ = std::make_unique<GatewayNodes>(*cluster_);
  gateway_->join(*gateway_nodes_);
}

bool RouterWorker::open(InheritedSockets& inherited, std::string& problem) {
  if (cluster_ && !cluster_->check(problem)) {
    problem = "cluster.tls: " + problem;
    return false;
  }
  for (const auto& realm : settings_.realms) {
    if (!add_realm(realm, problem)) return false;
  }
  for (const auto& transport : settings_.transports) {
    if (!add_transport(transport, inherited, problem)) {
      problem = transport.path + " (" + describe(transport.endpoint) + "): " + problem;
      return false;
    }
  }
  return true;
}

bool RouterWorker::add_realm(const settings::Realm& settings, std::string& problem) {
  realm::RealmOptions options;
  options.uri_check = settings.strict_uris ? wamp::UriCheck::strict : wamp::UriCheck::loose;
  options.meta_api = settings.enable_meta_api;
  options.cache_by_role = settings.compat.role_authorization_cache;
  options.retained = {settings.limits.retained_events, settings.limits.retained_bytes};
  options.testaments = {settings.limits.testaments, settings.limits.testament_bytes};
  options.session_detail_bytes = settings.limits.session_detail_bytes;
  options.timestamp = connection::utc_timestamp;
  if (settings.store) {
    for (const auto& queue : settings.store->call_queue) {
      options.call_queues.push_back(
          {queue.uri, static_cast<wamp::Match>(queue.match), queue.limit.value_or(settings.store->limit)});
    }
  }
  options.clock = base::microseconds_now;
  realm::Realm* realm = router_->add_realm(settings.name, std::move(options));
  for (const auto& role : settings.roles) {
    if (const auto* dynamic = std::get_if<settings::DynamicPermissions>(&role.permissions)) {
      realm->add_dynamic_role(role.name, dynamic->authorizer, role.trustlevel.value_or(wamp::kNoTrustLevel));
    } else {
      realm->add_role(role.name, make_authorizer(role, settings.compat));
    }
  }
  if (settings.clustered) cluster_->add_realm(*realm);
  log::info("Realm \"{}\" with {} roles{}", settings.name, settings.roles.size(),
            settings.clustered ? ", clustered" : "");
  if (settings.mailboxes) {
    gateway::MailboxOptions mailboxes;
    const std::string node = settings.clustered ? cluster_->address() : std::string();
    if (!open_mailboxes(*settings.mailboxes, node, mailboxes, problem)) {
      problem = "realm \"" + settings.name + "\": mailboxes: " + problem;
      return false;
    }
    gateway_->add_mailboxes(settings.name, std::move(mailboxes));
  }
  if (!settings.store) return true;
  std::unique_ptr<storage::SqliteJournal> journal;
  const bool good =
      open_history(*settings.store, *realm, *router_, settings.clustered ? cluster_.get() : nullptr, journal, problem);
  if (journal) journals_.push_back(std::move(journal));
  if (!good) problem = "realm \"" + settings.name + "\": store: " + problem;
  return good;
}

connection::Endpoint& RouterWorker::make_endpoint(const settings::Auth& auth_settings,
                                                  const settings::QueueOptions& queue) {
  connection::AuthMethods methods;
  bool dynamic = false;
  for (const auto& method : auth_settings) {
    if (auto made = auth::make_method(method, problem_)) methods.emplace_back(method.name, std::move(made));
    dynamic = dynamic || std::holds_alternative<settings::DynamicAuth>(method.config);
  }
  auto endpoint = std::make_unique<connection::Endpoint>(*router_, std::move(methods));
  endpoint->describes_transport = dynamic;
  endpoint->max_queued_bytes = queue.max_queued_bytes;
  endpoint->max_stream_wait = std::chrono::milliseconds(queue.max_stream_wait_ms);
  endpoint->slow_receiver = queue.slow_receiver == settings::SlowReceiver::disconnect
                                ? connection::SlowReceiver::disconnect
                                : connection::SlowReceiver::drop;
  endpoints_.push_back(std::move(endpoint));
  return *endpoints_.back();
}

transports::MessageHandlerFactory& RouterWorker::make_endpoint(const settings::WebSocket& settings) {
  if (settings.echo) return transports::echo_endpoint();
  connection::Endpoint& endpoint = make_endpoint(settings.auth, settings.options.queue);
  if (!settings.cookie) return endpoint;
  endpoint.cookie_store = cookie_stores_.open(*settings.cookie, problem_);
  const auto& methods = endpoint.auth_methods;
  endpoint.cookies_sign_in =
      std::any_of(methods.begin(), methods.end(), [](const auto& method) { return method.first == "cookie"; });
  return endpoint;
}

transports::web::ServiceContext RouterWorker::service_context() {
  transports::web::ServiceContext context;
  context.make_endpoint = [this](const settings::WebSocket& settings) -> transports::MessageHandlerFactory& {
    return make_endpoint(settings);
  };
  context.make_longpoll_endpoint = [this](const settings::LongPoll& longpoll) -> transports::MessageHandlerFactory& {
    settings::QueueOptions queue;
    queue.max_queued_bytes = longpoll.queue_limit_bytes;
    queue.slow_receiver = settings::SlowReceiver::disconnect;
    return make_endpoint(longpoll.auth, queue);
  };
  context.make_bridge_session = [this](const settings::BridgeTarget& target,
                                       std::chrono::seconds call_timeout) -> transports::web::BridgeSession& {
    bridges_.push_back(std::make_unique<connection::BridgeSessions>(*router_, target.realm, target.role, call_timeout));
    if (!bridges_.back()->good()) {
      problem_ = "there is no role \"" + target.role + "\" in a realm \"" + target.realm + "\"";
    }
    return *bridges_.back();
  };
  context.make_gateway = [this](const settings::Gateway& settings) { return gateway_->make_service(settings); };
  context.scripts = &scripts_;
  context.refuse = [this](const std::string& problem) { problem_ = problem; };
  context.node_info = [this] { return node_info(); };
  return context;
}

std::vector<std::pair<std::string, std::string>> RouterWorker::node_info() const {
  const auto uptime = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now() - started_);
  std::vector<std::pair<std::string, std::string>> info{
      {"Version", kVersion},
      {"Node", node_id_},
      {"Worker", worker_id_},
      {"Process", std::to_string(::getpid())},
      {"Started", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(started_))},
      {"Uptime", fmt::format("{} s", uptime.count())},
      {"I/O threads", std::to_string(threads_.size())},
      {"Connections", std::to_string(pool_->size())},
      {"Sessions", std::to_string(router_->session_count())},
      {"Gateway connections", std::to_string(gateway_->count())}};
  if (cluster_) info.emplace_back("Cluster", cluster_->describe());
  return info;
}

std::unique_ptr<transports::HttpService> RouterWorker::make_web_root(const settings::Web& web) {
  auto root = transports::web::make_paths(web.paths, service_context());
  if (!root && problem_.empty()) problem_ = "one of its path services is not available";
  return root;
}

const transports::RawSocketOptions& RouterWorker::make_rawsocket(const settings::RawSocket& rawsocket) {
  rawsocket_options_.push_back(
      std::make_unique<transports::RawSocketOptions>(rawsocket, make_endpoint(rawsocket.auth, rawsocket.queue)));
  return *rawsocket_options_.back();
}

transports::ProtocolFactory RouterWorker::make_http_factory(std::unique_ptr<transports::HttpService> root,
                                                            transports::HttpOptions options) {
  roots_.push_back(std::move(root));
  http_options_.push_back(std::make_unique<transports::HttpOptions>(std::move(options)));
  return [service = roots_.back().get(), http = http_options_.back().get()](transports::Stream& stream) {
    return std::make_unique<transports::HttpProtocol>(stream, *service, *http);
  };
}

transports::ProtocolFactory RouterWorker::make_factory(const settings::Web& web) {
  return make_http_factory(make_web_root(web), http_options(web));
}

transports::ProtocolFactory RouterWorker::make_factory(const settings::WebSocket& websocket) {
  transports::HttpOptions options;
  if (websocket.options.show_server_version) options.server = kServerWithVersion;
  options.open_timeout = std::chrono::milliseconds(websocket.options.open_handshake_timeout_ms);
  return make_http_factory(std::make_unique<transports::WebSocketService>(websocket, make_endpoint(websocket)),
                           std::move(options));
}

transports::ProtocolFactory RouterWorker::make_factory(const settings::RawSocket& rawsocket) {
  return [options = &make_rawsocket(rawsocket)](transports::Stream& stream) {
    return std::make_unique<transports::RawSocketProtocol>(stream, *options);
  };
}

transports::ProtocolFactory RouterWorker::make_factory(const settings::Universal& universal) {
  auto options = std::make_unique<transports::UniversalOptions>();
  if (universal.rawsocket) options->rawsocket = &make_rawsocket(*universal.rawsocket);
  if (universal.web) options->http = http_options(*universal.web);
  options->http.open_timeout = open_timeout(universal);
  if (universal.web || !universal.websocket.empty()) {
    auto root = std::make_unique<transports::UniversalService>();
    if (universal.web) root->set_web(make_web_root(*universal.web));
    for (const auto& [component, websocket] : universal.websocket) {
      root->add(component, std::make_unique<transports::WebSocketService>(websocket, make_endpoint(websocket)));
      if (websocket.options.show_server_version) options->http.server = kServerWithVersion;
    }
    options->root = root.get();
    roots_.push_back(std::move(root));
  }
  universal_options_.push_back(std::move(options));
  return [made = universal_options_.back().get()](transports::Stream& stream) {
    return std::make_unique<transports::UniversalProtocol>(stream, *made);
  };
}

transports::ProtocolFactory RouterWorker::make_factory(const settings::UnsupportedTransport& transport) {
  problem_ = "transports of type \"" + transport.type + "\" are not available";
  return {};
}

bool RouterWorker::add_transport(const settings::Transport& transport, InheritedSockets& inherited,
                                 std::string& problem) {
  problem_.clear();
  auto factory = std::visit([this](const auto& kind) { return make_factory(kind); }, transport.kind);
  if (const auto& tls = settings::tls_of(transport.endpoint)) factory = with_tls(std::move(factory), *tls);
  if (!problem_.empty()) {
    problem = problem_;
    return false;
  }
  auto socket = inherited.take(transport.endpoint);
  if (!socket) socket = open_socket(transport.endpoint, problem);
  if (!socket) return false;
  // Listeners are spread over the threads; the pool spreads their connections.
  base::IoThread& thread = *threads_[listeners_.size() % threads_.size()];
  listeners_.push_back(std::make_unique<transports::Listener>(thread, std::move(socket), *pool_, std::move(factory)));
  return true;
}

transports::ProtocolFactory RouterWorker::with_tls(transports::ProtocolFactory factory, const settings::Tls& tls) {
  tls_contexts_.push_back(std::make_unique<transports::TlsContext>(tls));
  tls_contexts_.back()->load(problem_);
  return [inner = std::move(factory), context = tls_contexts_.back().get()](transports::Stream& stream) {
    stream.start_tls(*context);
    return inner(stream);
  };
}

std::size_t RouterWorker::reload_certificates() {
  std::size_t count = 0;
  for (const auto& context : tls_contexts_) {
    std::string problem;
    if (context->load(problem)) {
      ++count;
    } else {
      log::error("{}; the old one stays in use", problem);
    }
  }
  return count;
}

void RouterWorker::start(std::function<void()> settled) {
  gateway_->start();
  if (cluster_) {
    cluster_->on_settled(std::move(settled));
    cluster_->start();
  }
  for (const auto& thread : threads_) thread->start();
}

void RouterWorker::listen() {
  for (const auto& listener : listeners_) {
    listener->io().post([listener = listener.get()] { listener->start(); });
  }
}

void RouterWorker::stop_listening() {
  for (const auto& listener : listeners_) {
    listener->io().post([listener = listener.get()] { listener->stop(); });
  }
}

void RouterWorker::join() {
  for (const auto& thread : threads_) thread->stop();
  for (const auto& thread : threads_) thread->join();
  if (cluster_) cluster_->stop();
  listeners_.clear();
  pool_->clear();
}

std::vector<std::string> RouterWorker::addresses() const {
  std::vector<std::string> addresses;
  for (const auto& listener : listeners_) addresses.push_back(listener->address());
  return addresses;
}

}  // namespace crosspoint::node
