#include "gateway/own_connections.hpp"

#include <numeric>
#include <utility>

namespace crosspoint::gateway {
namespace {

using Texts = std::vector<std::string>;

Texts join(const std::vector<Texts>& parts) {
  Texts all;
  for (const Texts& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

}  // namespace

void OwnConnections::send(const ConnectionId& id, DataRef data, Then<Sent> then) {
  hub_.ask(
      home_, id.thread,
      [data = std::move(data), number = id.number](HubPart& part) {
        const auto client = part.find(number);
        return client ? client->send(data->kind, base::as_bytes(data->bytes)) : Sent::gone;
      },
      std::move(then));
}

void OwnConnections::send_many(const std::vector<ConnectionId>& ids, DataRef data, Then<Texts> then) {
  const auto wanted = std::make_shared<std::vector<std::vector<std::uint64_t>>>(hub_.parts());
  for (const ConnectionId& id : ids) (*wanted)[id.thread].push_back(id.number);
  on_all_threads(
      [data = std::move(data), wanted](HubPart& part) {
        Texts unreached;
        for (const std::uint64_t number : (*wanted)[part.io().index()]) {
          const auto client = part.find(number);
          if (!client || client->send(data->kind, base::as_bytes(data->bytes)) != Sent::yes) {
            unreached.push_back(part.id_of(number));
          }
        }
        return unreached;
      },
      [then = std::move(then)](const std::vector<Texts>& parts) { then(join(parts)); });
}

void OwnConnections::broadcast(const std::string& route, DataRef data, std::set<std::string> except,
                               Then<std::size_t> then) {
  on_all_threads([data = std::move(data), route,
                  except = std::move(except)](HubPart& part) { return part.broadcast(route, *data, except); },
                 [then = std::move(then)](const std::vector<std::size_t>& counts) {
                   then(std::accumulate(counts.begin(), counts.end(), std::size_t{0}));
                 });
}

void OwnConnections::close(const ConnectionId& id, std::uint16_t code, const std::string& reason, Then<bool> then) {
  hub_.ask(
      home_, id.thread,
      [number = id.number, code, reason](HubPart& part) {
        const auto client = part.find(number);
        return client && client->close(code, reason);
      },
      std::move(then));
}

void OwnConnections::list(const std::string& route, Then<Texts> then) {
  on_all_threads(
      [route](HubPart& part) {
        Texts ids;
        for (const auto& client : part.clients(route)) ids.push_back(client->id());
        return ids;
      },
      [then = std::move(then)](const std::vector<Texts>& parts) { then(join(parts)); });
}

void OwnConnections::get(const ConnectionId& id, Then<nlohmann::json> then) {
  hub_.ask(
      home_, id.thread,
      [number = id.number](HubPart& part) {
        const auto client = part.find(number);
        return client ? client->describe() : nlohmann::json();
      },
      std::move(then));
}

}  // namespace crosspoint::gateway
