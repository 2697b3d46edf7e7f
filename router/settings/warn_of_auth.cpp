#include <algorithm>

#include "settings/object_reader.hpp"

namespace crosspoint::settings {
namespace {

bool has(const Auth& auth, std::string_view method) {
  return std::any_of(auth.begin(), auth.end(), [&](const auto& one) { return one.name == method; });
}

/// Whether the endpoint asks its clients for certificates.
bool asks_for_certificates(const Endpoint& endpoint) {
  const auto* tcp = std::get_if<TcpEndpoint>(&endpoint);
  return tcp != nullptr && tcp->tls && !tcp->tls->ca_certificates.empty();
}

/// Goes through all that may have `auth`.
struct Visit {
  LoadContext& context;
  bool certificates;  // clients are asked for them

  void check(const Auth& auth, const std::string& path) const {
    if (!certificates && has(auth, "tls")) {
      context.warn(path + ".auth.tls", "clients are not asked for certificates, so nobody can sign in this way",
                   "an endpoint with \"tls\" that has \"ca_certificates\"");
    }
  }

  void operator()(const WebSocket& websocket, const std::string& path) const {
    check(websocket.auth, path);
    const auto& origins = websocket.options.allowed_origins;
    if (!has(websocket.auth, "cookie") || !websocket.cookie) return;
    // Browsers send those to no page of another site.
    if (websocket.cookie->same_site == "Strict" || websocket.cookie->same_site == "Lax") return;
    if (std::find(origins.begin(), origins.end(), "*") == origins.end()) return;
    context.warn(path + ".auth.cookie", "pages of any origin may use the cookies of their visitors to sign in",
                 "\"allowed_origins\" in \"options\" without \"*\", or a cookie with \"same_site\"");
  }
  void operator()(const RawSocket& rawsocket, const std::string& path) const { check(rawsocket.auth, path); }
  void operator()(const LongPoll& longpoll, const std::string& path) const { check(longpoll.auth, path); }
  void operator()(const PathService& nested, const std::string& path) const { all(nested.paths, path + ".paths."); }
  void operator()(const Web& web, const std::string& path) const { all(web.paths, path + ".paths."); }
  void operator()(const Universal& universal, const std::string& path) const {
    if (universal.rawsocket) (*this)(*universal.rawsocket, path + ".rawsocket");
    for (const auto& [name, websocket] : universal.websocket) (*this)(websocket, path + ".websocket." + name);
    if (universal.web) (*this)(*universal.web, path + ".web");
  }
  template <class Other>
  void operator()(const Other&, const std::string&) const {}

 private:
  void all(const std::vector<WebPath>& paths, const std::string& start) const {
    for (const auto& [name, service] : paths) {
      std::visit([&, path = start + name](const auto& one) { (*this)(one, path); }, service);
    }
  }
};

}  // namespace

void warn_of_auth(LoadContext& context, const Transport& transport) {
  const Visit visit{context, asks_for_certificates(transport.endpoint)};
  std::visit([&](const auto& kind) { visit(kind, transport.path); }, transport.kind);
}

}  // namespace crosspoint::settings
