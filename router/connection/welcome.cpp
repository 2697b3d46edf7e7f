#include "connection/welcome.hpp"

#include <fmt/chrono.h>
#include <unistd.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <span>

#include "wamp/features.hpp"

namespace crosspoint::connection {
namespace {

using nlohmann::json;

json feature_list(std::span<const std::string_view> names) {
  json features = json::object();
  for (const std::string_view name : names) features[std::string(name)] = true;
  return {{"features", std::move(features)}};
}

}  // namespace

std::string welcome_details(const realm::Realm& realm, const realm::Identity& identity, const RouterNames& names,
                            const std::string& peer_address) {
  static const json roles{{"broker", feature_list(wamp::broker_features())},
                          {"dealer", feature_list(wamp::dealer_features())}};
  const json crossbar{
      {"x_cb_node", names.node}, {"x_cb_worker", names.worker}, {"x_cb_peer", peer_address}, {"x_cb_pid", ::getpid()}};
  json extra = identity.authextra.empty() ? json::object() : json::parse(identity.authextra);
  extra.update(crossbar);
  json details{{"realm", realm.name()},
               {"authid", identity.authid},
               {"authrole", identity.authrole},
               {"authmethod", identity.authmethod},
               {"authprovider", identity.authprovider},
               {"authextra", std::move(extra)},
               {"roles", roles}};
  details.update(crossbar);
  return details.dump();
}

std::string utc_timestamp() {
  const auto now = std::chrono::system_clock::now();
  const auto milliseconds =
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() % 1000;
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(now)),
                     milliseconds);
}

}  // namespace crosspoint::connection
