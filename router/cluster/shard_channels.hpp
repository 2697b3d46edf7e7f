#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace crosspoint::cluster {

/// Names of the sharded channels by which a Redis Cluster carries the events of topics; docs/cluster.md has the list.
/// The topics of a realm are spread over buckets, and what belongs to a bucket has one hash tag, `{<realm>:<bucket>}`,
/// so that one master has it.
class ShardChannels {
 public:
  static constexpr unsigned kBuckets = 256;

  explicit ShardChannels(std::string prefix) : prefix_(std::move(prefix)) {}

  static unsigned bucket_of(std::string_view topic);
  /// The slot of Redis in which all channels of a bucket are.
  static std::uint16_t slot_of(std::string_view realm, unsigned bucket);

  /// Events of a topic, for who wants that topic.
  std::string topic(std::string_view realm, std::string_view topic) const;
  /// Events of all topics of a bucket, each behind its topic and a space, for who wants patterns.
  std::string patterns(std::string_view realm, unsigned bucket) const { return name(realm, bucket, "patterns"); }
  /// Events of all topics of a bucket that are to be retained, for all nodes.
  std::string retained(std::string_view realm, unsigned bucket) const { return name(realm, bucket, "retained"); }

  /// What one of these names says.
  struct Parts {
    std::string_view realm;
    std::string_view kind;   ///< "topic", "patterns" or "retained"
    std::string_view topic;  ///< of the first
  };
  /// False if `channel` is none of them.
  bool split(std::string_view channel, Parts& out) const;

 private:
  std::string name(std::string_view realm, unsigned bucket, std::string_view kind) const;

  const std::string prefix_;
};

}  // namespace crosspoint::cluster
