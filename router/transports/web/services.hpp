#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "settings/transport.hpp"
#include "transports/http_service.hpp"
#include "transports/message_port.hpp"
#include "transports/web/bridge_session.hpp"
#include "transports/web/script_runner.hpp"

/// The path services of web transports, one file each; services.cpp has the table.
namespace crosspoint::transports::web {

/// What services need of the node.
struct ServiceContext {
  /// The WAMP side of a WebSocket endpoint. The result must outlive the service.
  std::function<MessageHandlerFactory&(const settings::WebSocket&)> make_endpoint;
  /// The same of a long-poll service.
  std::function<MessageHandlerFactory&(const settings::LongPoll&)> make_longpoll_endpoint;
  /// A session of the router's own for a bridge; calls end after `call_timeout`. The result must outlive the service.
  std::function<BridgeSession&(const settings::BridgeTarget&, std::chrono::seconds call_timeout)> make_bridge_session;
  /// The service of a gateway route; nullptr if its realm or role is not there.
  std::function<std::unique_ptr<HttpService>(const settings::Gateway&)> make_gateway;
  /// What a nodeinfo page shows, as rows of name and value. Any thread.
  std::function<std::vector<std::pair<std::string, std::string>>()> node_info;
  /// Runs the scripts of cgi services. Must outlive the service.
  ScriptRunner* scripts = nullptr;
  /// Has the start fail, with what is wrong.
  std::function<void(const std::string& problem)> refuse;
  std::string server;  ///< name and, if it may be shown, version
};

/// The service of one path. nullptr for those that are not available here.
std::unique_ptr<HttpService> make_service(const settings::WebService& settings, const ServiceContext& context);

std::unique_ptr<HttpService> make_websocket(const settings::WebSocket& settings, const ServiceContext& context);
std::unique_ptr<HttpService> make_longpoll(const settings::LongPoll& settings, const ServiceContext& context);
std::unique_ptr<HttpService> make_reverse_proxy(const settings::ReverseProxy& settings);
std::unique_ptr<HttpService> make_static_files(const settings::StaticFiles& settings);
// nullptr if the files or directories cannot be used.
std::unique_ptr<HttpService> make_archive(const settings::Archive& settings, const ServiceContext& context);
std::unique_ptr<HttpService> make_cgi(const settings::Cgi& settings, const ServiceContext& context);
std::unique_ptr<HttpService> make_upload(const settings::Upload& settings, const ServiceContext& context);
std::unique_ptr<HttpService> make_json(const settings::JsonValue& settings);
std::unique_ptr<HttpService> make_redirect(const settings::Redirect& settings);
std::unique_ptr<HttpService> make_node_info(const ServiceContext& context);
std::unique_ptr<HttpService> make_publisher(const settings::Publisher& settings, const ServiceContext& context);
std::unique_ptr<HttpService> make_caller(const settings::Caller& settings, const ServiceContext& context);
std::unique_ptr<HttpService> make_webhook(const settings::Webhook& settings, const ServiceContext& context);
/// Nested paths, and the root of every web transport. nullptr if one of them is not available.
std::unique_ptr<HttpService> make_paths(const std::vector<settings::WebPath>& paths, const ServiceContext& context);

/// The page for what is not there.
HttpResponse not_found(const HttpRequest& request);
/// False for paths that could lead out of a directory: with "." or ".." among their components, or a NUL.
bool is_safe_path(std::string_view path);
/// An answer to methods that a service does not have.
HttpResponse method_not_allowed(std::string_view allowed);
/// Lets pages of other origins use the response, as Crossbar does.
void allow_cross_origin(const HttpRequest& request, HttpResponse& response);
/// Text as HTML text.
std::string escape_html(std::string_view text);

}  // namespace crosspoint::transports::web
