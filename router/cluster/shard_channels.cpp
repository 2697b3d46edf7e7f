#include "cluster/shard_channels.hpp"

#include <fmt/format.h>

#include "redis/slot_map.hpp"

namespace crosspoint::cluster {
namespace {

constexpr std::string_view kTopic = "topic";
/// Meta events of a realm have an order, whatever their topics are.
constexpr std::string_view kMeta = "wamp.";

}  // namespace

unsigned ShardChannels::bucket_of(std::string_view topic) {
  return topic.starts_with(kMeta) ? 0 : redis::crc16(topic) % kBuckets;
}

std::uint16_t ShardChannels::slot_of(std::string_view realm, unsigned bucket) {
  return redis::slot_of(fmt::format("{{{}:{}}}", realm, bucket));
}

std::string ShardChannels::name(std::string_view realm, unsigned bucket, std::string_view kind) const {
  return fmt::format("{}:{{{}:{}}}:{}", prefix_, realm, bucket, kind);
}

std::string ShardChannels::topic(std::string_view realm, std::string_view topic) const {
  std::string channel = name(realm, bucket_of(topic), kTopic);
  channel.append(":").append(topic);
  return channel;
}

bool ShardChannels::split(std::string_view channel, Parts& out) const {
  if (!channel.starts_with(prefix_)) return false;
  channel.remove_prefix(prefix_.size());
  if (!channel.starts_with(":{")) return false;
  channel.remove_prefix(2);
  const std::size_t colon = channel.find(':');
  const std::size_t end = channel.find("}:", colon == std::string_view::npos ? channel.size() : colon);
  if (end == std::string_view::npos) return false;
  out.realm = channel.substr(0, colon);
  out.kind = channel.substr(end + 2);
  out.topic = {};
  const std::size_t kind_end = out.kind.find(':');
  if (kind_end == std::string_view::npos) return out.kind == "patterns" || out.kind == "retained";
  out.topic = out.kind.substr(kind_end + 1);
  out.kind = out.kind.substr(0, kind_end);
  return out.kind == kTopic;
}

}  // namespace crosspoint::cluster
