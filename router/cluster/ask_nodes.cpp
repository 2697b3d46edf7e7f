#include "cluster/ask_nodes.hpp"

#include <hiredis/hiredis.h>

#include <algorithm>

#include "cluster/channels.hpp"
#include "redis/dialer.hpp"

namespace crosspoint::cluster {

bool ask_nodes(const settings::Cluster& settings, std::vector<std::string>& out, std::string& place,
               std::string& problem) {
  static constexpr std::chrono::seconds kPatience{2};
  Channels channels(settings.prefix);
  redis::Dialer dialer(settings.redis, kPatience);
  dialer.allow_cluster(channels.cluster_key());
  const auto client = dialer.dial(problem);
  place = dialer.place();
  channels.set_sharded(!dialer.slots().masters().empty());
  const auto ids = client ? client->ask({"SMEMBERS", channels.nodes()}, problem) : nullptr;
  if (!ids) return false;
  for (std::size_t i = 0; i < ids->elements; ++i) {
    const std::string id(redis::text_of(*ids->element[i]));
    const auto there = client->ask({"EXISTS", channels.node(id)}, problem);
    if (!there) return false;
    if (there->integer != 0) out.push_back(id);
  }
  std::sort(out.begin(), out.end());
  return true;
}

}  // namespace crosspoint::cluster
