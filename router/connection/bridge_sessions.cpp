#include "connection/bridge_sessions.hpp"

#include <utility>

namespace crosspoint::connection {
namespace {

/// How long the acknowledgement of a publication may take: a dynamic authorizer may have to be asked.
constexpr std::chrono::seconds kPublishTime{60};

/// Takes the answers of a Service for those of a bridge.
Service::Callback as_bridge_answer(transports::web::BridgeSession::Callback callback) {
  return [callback = std::move(callback)](Service::Answer answer) {
    callback({std::move(answer.error), answer.publication, std::move(answer.arguments),
              std::move(answer.keyword_arguments)});
  };
}

std::string json_string(std::string_view text) {
  std::string json;
  wamp::append_json_string(json, text);
  return json;
}

}  // namespace

BridgeSessions::BridgeSessions(Router& router, const std::string& realm, const std::string& role,
                               std::chrono::seconds call_timeout)
    : router_(router),
      realm_(router.find_realm(realm)),
      role_(realm_ != nullptr ? realm_->find_role(role) : nullptr),
      call_timeout_(call_timeout) {}

std::string_view BridgeSessions::publish(base::IoThread& io, std::string_view topic, std::string_view options,
                                         std::string_view payload, Callback callback, std::uint64_t& request) {
  std::string rest(options);
  rest += "," + json_string(topic);
  rest += payload;
  return service(io).request(wamp::MessageType::publish, rest, kPublishTime, as_bridge_answer(std::move(callback)),
                             request);
}

std::string_view BridgeSessions::call(base::IoThread& io, std::string_view procedure, std::string_view payload,
                                      Callback callback, std::uint64_t& request) {
  std::string rest = "{}," + json_string(procedure);
  rest += payload;
  return service(io).request(wamp::MessageType::call, rest, call_timeout_, as_bridge_answer(std::move(callback)),
                             request);
}

void BridgeSessions::abandon(base::IoThread& io, std::uint64_t request) { service(io).abandon(request); }

}  // namespace crosspoint::connection
