#include "gateway/node_procedures.hpp"

#include <limits>
#include <utility>

#include "transports/websocket_frame.hpp"

namespace crosspoint::gateway {
namespace {

using nlohmann::json;

std::shared_ptr<const Data> data_of(const json& value) {
  auto data = to_data(value);
  return data ? std::make_shared<const Data>(std::move(*data)) : nullptr;
}

}  // namespace

NodeProcedures::NodeProcedures(OwnConnections& connections, NodeCalls& calls)
    : connections_(connections), calls_(calls) {
  const auto provide = [&](const char* name, std::size_t arguments, void (NodeProcedures::*handler)(const Request&)) {
    calls.provide(name, [this, arguments, handler](const Request& request) {
      if (request.arguments.size() != arguments) return refuse(request);
      (this->*handler)(request);
    });
  };
  provide("send", 2, &NodeProcedures::send);
  provide("send_many", 2, &NodeProcedures::send_many);
  provide("broadcast", 3, &NodeProcedures::broadcast);
  provide("close", 3, &NodeProcedures::close);
  provide("list", 1, &NodeProcedures::list);
  provide("get", 1, &NodeProcedures::get);
}

std::optional<ConnectionId> NodeProcedures::connection_of(const json& value) const {
  const auto id = value.is_string() ? parse_connection_id(value.get_ref<const std::string&>()) : std::nullopt;
  return id && connections_.is_own(*id) ? id : std::nullopt;
}

template <class Result>
OwnConnections::Then<Result> NodeProcedures::answer_to(const Request& request) {
  return [this, from = request.from, number = request.number](const Result& result) {
    calls_.answer({from, number, {}}, json(result));
  };
}

void NodeProcedures::send(const Request& request) {
  const auto id = connection_of(request.arguments[0]);
  auto data = data_of(request.arguments[1]);
  if (!data) return refuse(request);
  const auto then = answer_to<int>(request);
  if (!id) return then(static_cast<int>(Sent::gone));
  connections_.send(*id, std::move(data), [then](Sent sent) { then(static_cast<int>(sent)); });
}

void NodeProcedures::send_many(const Request& request) {
  const json& texts = request.arguments[0];
  auto data = data_of(request.arguments[1]);
  if (!data || !texts.is_array()) return refuse(request);
  std::vector<ConnectionId> ids;
  for (const json& text : texts) {
    const auto id = connection_of(text);
    if (!id) return refuse(request);
    ids.push_back(*id);
  }
  connections_.send_many(ids, std::move(data), answer_to<std::vector<std::string>>(request));
}

void NodeProcedures::broadcast(const Request& request) {
  const json& route = request.arguments[0];
  auto data = data_of(request.arguments[1]);
  const json& texts = request.arguments[2];
  if (!data || !route.is_string() || !texts.is_array()) return refuse(request);
  std::set<std::string> except;
  for (const json& text : texts) {
    if (!text.is_string()) return refuse(request);
    except.insert(text.get<std::string>());
  }
  connections_.broadcast(route.get<std::string>(), std::move(data), std::move(except), answer_to<std::size_t>(request));
}

void NodeProcedures::close(const Request& request) {
  const auto id = connection_of(request.arguments[0]);
  const json& code = request.arguments[1];
  const json& reason = request.arguments[2];
  const bool good = code.is_number_unsigned() && code <= std::numeric_limits<std::uint16_t>::max() &&
                    transports::is_valid_close_code(code.get<std::uint16_t>()) && reason.is_string() && to_data(reason);
  if (!good) return refuse(request);
  if (!id) return calls_.answer(request, false);
  connections_.close(*id, code.get<std::uint16_t>(), reason.get<std::string>(), answer_to<bool>(request));
}

void NodeProcedures::list(const Request& request) {
  const json& route = request.arguments[0];
  if (!route.is_string()) return refuse(request);
  connections_.list(route.get<std::string>(), answer_to<std::vector<std::string>>(request));
}

void NodeProcedures::get(const Request& request) {
  const auto id = connection_of(request.arguments[0]);
  if (!id) return calls_.answer(request, json());
  connections_.get(*id, answer_to<json>(request));
}

}  // namespace crosspoint::gateway
