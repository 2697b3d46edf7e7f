#include <algorithm>
#include <cctype>

#include "settings/object_reader.hpp"

namespace crosspoint::settings {
namespace {

bool is_name(std::string_view text, std::string_view others) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [&](unsigned char c) {
    return (c < 0x80 && std::isalnum(c) != 0) || others.find(static_cast<char>(c)) != std::string_view::npos;
  });
}

}  // namespace

Cluster load_cluster(LoadContext& context, const Json& value) {
  ObjectReader object(context, value, "cluster");
  Cluster cluster;
  cluster.redis = load_redis(object);
  cluster.prefix = object.text_or("prefix", cluster.prefix);
  if (!is_name(cluster.prefix, "_-.:")) {
    context.error("cluster.prefix", "\"" + cluster.prefix + "\" cannot be used",
                  "1 to 64 letters, digits, _, -, . and :");
  }
  if (const auto node = object.text("node")) {
    cluster.node = *node;
    if (!is_name(cluster.node, "_-.")) {
      context.error("cluster.node", "\"" + cluster.node + "\" cannot be used", "1 to 64 letters, digits, _, - and .");
    }
  }
  cluster.heartbeat = static_cast<std::uint32_t>(object.integer("heartbeat", 1, 60).value_or(cluster.heartbeat));
  object.finish();
  return cluster;
}

void check_cluster(LoadContext& context, const Node& node) {
  const Worker* first = nullptr;
  for (const Worker& worker : node.workers) {
    const auto* router = std::get_if<RouterWorker>(&worker.kind);
    if (router == nullptr) continue;
    for (std::size_t i = 0; i < router->realms.size(); ++i) {
      const Realm& realm = router->realms[i];
      if (!realm.clustered) continue;
      const std::string path = worker.path + ".realms[" + std::to_string(i) + "]";
      if (!node.cluster) {
        context.error(path + ".clustered", "the node has no \"cluster\", which says where the others are",
                      "false, or a \"cluster\" beside \"workers\"");
      }
      if (first != nullptr && first != &worker) {
        context.error(path + ".clustered", "worker \"" + first->id + "\" has clustered realms already",
                      "clustered realms in one worker of a node");
      }
      first = &worker;
      const bool on_disk = realm.store && realm.store->type == Store::Type::sqlite;
      if (on_disk && !realm.store->event_history.empty()) {
        context.error(path + ".store.type", "\"sqlite\" cannot have the event history of a clustered realm",
                      "\"memory\": Redis has it then, for all nodes");
      }
      if (realm.mailboxes && realm.mailboxes->type != Mailboxes::Type::redis) {
        context.warn(path + ".mailboxes.type", "each node of the cluster has its own mailboxes then",
                     "\"redis\": all nodes share them");
      }
    }
  }
  if (node.cluster && first == nullptr) {
    context.warn("cluster", "no realm is clustered, so it has no effect", "\"clustered\": true in a realm");
  }
}

}  // namespace crosspoint::settings
