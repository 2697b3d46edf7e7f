#include "connection/principal_details.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "auth/bytes.hpp"
#include "auth/certificate.hpp"
#include "serializers/value.hpp"

namespace crosspoint::connection {
namespace {

using nlohmann::json;

json transport(const transports::TransportInfo& info) {
  json headers = json::object();
  for (const auto& [name, value] : info.headers_received) headers[name] = value;
  json sent = json::object();
  for (const auto& [name, value] : info.headers_sent) sent[name] = value;
  json channel_ids = json::object();
  for (const auto& [type, id] : info.channel_ids) channel_ids[type] = auth::to_hex(id);
  const json certificate = info.peer_certificate.empty() ? json() : auth::describe_certificate(info.peer_certificate);
  const json cookie = info.cookie.empty() ? json() : json(info.cookie);
  const bool websocket = info.framing == "websocket";
  json out{{"channel_type", info.secure ? "tls" : "tcp"},
           {"channel_framing", info.framing},
           {"channel_serializer", nullptr},
           {"own", info.own_address},
           {"peer", info.peer_address},
           {"is_server", true},
           {"own_pid", ::getpid()},
           {"own_tid", ::syscall(SYS_gettid)},
           {"own_fd", info.fd},
           {"is_secure", info.secure},
           {"channel_id", std::move(channel_ids)},
           {"peer_cert", certificate},
           {"websocket_protocol", websocket ? json(info.subprotocol) : json()},
           {"websocket_extensions_in_use", info.extensions},
           {"http_headers_received", std::move(headers)},
           {"http_headers_sent", std::move(sent)},
           {"http_cbtid", cookie}};
  out["type"] = info.framing;
  out["protocol"] = info.subprotocol.empty() ? std::string(info.serializer->name) : info.subprotocol;
  out["cbtid"] = cookie;
  out["client_cert"] = certificate;
  return out;
}

// Header values may be any bytes; what is no UTF-8 is replaced.
std::string dump(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

json session_details(const realm::Identity& identity, json transport) {
  json extra = identity.authextra.empty() ? json() : json::parse(identity.authextra, nullptr, false);
  return {{"session", identity.session},           {"authid", identity.authid},
          {"authrole", identity.authrole},         {"authmethod", identity.authmethod},
          {"authprovider", identity.authprovider}, {"authextra", std::move(extra)},
          {"transport", std::move(transport)}};
}

}  // namespace

std::string transport_json(const transports::TransportInfo& info) { return dump(transport(info)); }

std::string session_json(const realm::Identity& identity, const transports::TransportInfo& info,
                         std::string_view node) {
  json details = session_details(identity, transport(info));
  if (!node.empty()) details["node"] = node;
  return dump(details);
}

std::string router_session_json(const realm::Identity& identity) {
  return dump(session_details(identity, json{{"type", "stdio"}}));
}

std::string authorizer_arguments(const std::string& session, const realm::Question& question) {
  json options;
  if (!serializers::to_value(question.options, options)) options = json::object();
  std::string arguments = "[" + session + ",";
  wamp::append_json_string(arguments, question.uri);
  return arguments + ",\"" + std::string(to_string(question.action)) + "\"," + dump(options) + "]";
}

}  // namespace crosspoint::connection
