#include "gateway/hub.hpp"

#include <optional>

#include "base/log.hpp"
#include "realm/role.hpp"

namespace crosspoint::gateway {

void HubPart::add(std::shared_ptr<Client> client) {
  const std::uint64_t number = client->number();
  clients_.emplace(number, std::move(client));
}

void HubPart::remove(std::uint64_t number) {
  if (clients_.erase(number) != 0 && gone_) gone_(id_of(number));
}

std::shared_ptr<Client> HubPart::find(std::uint64_t number) const {
  const auto at = clients_.find(number);
  return at != clients_.end() ? at->second : nullptr;
}

std::vector<std::shared_ptr<Client>> HubPart::clients(std::string_view route) const {
  std::vector<std::shared_ptr<Client>> found;
  for (const auto& [number, client] : clients_) {
    if (route.empty() || client->route().settings.route == route) found.push_back(client);
  }
  return found;
}

std::size_t HubPart::broadcast(std::string_view route, const Data& data, const std::set<std::string>& except) {
  std::optional<transports::SharedFrame> frame;
  std::size_t count = 0;
  for (const auto& [number, client] : clients_) {
    if (client->route().settings.route != route || except.contains(client->id())) continue;
    Sent sent = Sent::gone;
    if (client->takes_shared_frames()) {
      if (!frame) frame = client->port()->make_frame(data.kind, base::as_bytes(data.bytes), io().shared_output());
      sent = client->send(*frame);
    } else {
      sent = client->send(data.kind, base::as_bytes(data.bytes));
    }
    if (sent == Sent::yes) ++count;
  }
  return count;
}

std::map<std::string, RouteCounters> HubPart::count(std::string_view route) const {
  std::map<std::string, RouteCounters> counts;
  for (const auto& [its, counters] : counters_) {
    // A name may stand for several routes.
    if (route.empty() || its->settings.route == route) counts[its->settings.route] += counters;
  }
  for (const auto& client : clients(route)) {
    RouteCounters& count = counts[client->route().settings.route];
    ++count.connections;
    if (client->port() != nullptr) count.queued_bytes += client->port()->queued();
  }
  return counts;
}

void HubPart::announce(std::string_view what, std::string_view arguments) {
  const realm::Role& trusted = *gate_.shard().realm().find_role(realm::kTrustedRole);
  gate_.service(trusted).publish("crosspoint.gateway." + std::string(what), arguments);
}

void HubPart::shut_down() {
  for (const auto& client : clients({})) client->shut_down();
}

void HubPart::failed(const Route& route, std::string_view what, const connection::Service::Answer& answer) {
  ++counters(route).failed;
  if (!failing_.insert(&route).second) {
    log::debug("route \"{}\": {}: {} {}", route.settings.route, what, answer.error, answer.message);
    return;
  }
  log::warn("route \"{}\": {}: {} {}; further failures are not logged until a call succeeds", route.settings.route,
            what, answer.error, answer.message);
}

}  // namespace crosspoint::gateway
