#pragma once

#include <string>
#include <string_view>

#include "wamp/uri.hpp"

namespace crosspoint::cluster {

/// Names of the channels and keys that the nodes of a cluster share in Redis; docs/cluster.md has the list.
class Channels {
 public:
  explicit Channels(std::string prefix) : prefix_(std::move(prefix)), home_(prefix_) {}

  /// In a Redis Cluster all keys and the channels that have an order among them have one hash tag, so that one master
  /// has them. All names of which nothing else is said are of that kind; those of topics stay, and ShardChannels makes
  /// what Redis knows of them.
  void set_sharded(bool sharded) { home_ = sharded ? "{" + prefix_ + "}" : prefix_; }
  /// What the same master has.
  std::string cluster_key() const { return "{" + prefix_ + "}"; }
  /// The name that set_sharded(true) makes of one that was made before.
  std::string sharded(std::string_view name) const;

  /// What is published to a topic of a realm: `<prefix>:<realm>:topic:<topic>`. Any thread.
  std::string topic(std::string_view realm, std::string_view topic) const;
  /// The pattern of Redis by which a subscription gets its topics. It may let others through, too: a star of Redis
  /// stands for any number of components.
  std::string pattern(std::string_view realm, std::string_view uri, wamp::Match match) const;
  /// Takes apart what topic() has made. False if `channel` is no such channel.
  bool split(std::string_view channel, std::string_view& realm, std::string_view& topic) const;

  /// The stream with the retained events of a realm, and the channel on which nodes are told of its entries.
  std::string retained(std::string_view realm) const;

  /// The stream with the history of a subscription; with ":state" behind it, what nodes know of the stream. What is in
  /// braces has Redis Cluster keep both at one place.
  std::string history(std::string_view realm, std::string_view uri, wamp::Match match) const;

  /// The key by which Redis knows what comes late, from a connection that a node has given up.
  std::string writer(std::string_view sender) const;

  /// The channel on which nodes say that they are there, and the set of their ids.
  std::string nodes() const { return home_ + ":nodes"; }
  /// What all nodes hear, and what one start of one node (`<id>/<start>`) hears.
  std::string all() const { return home_ + ":all"; }
  std::string private_of(std::string_view sender) const;
  /// The key that is there while a node is.
  std::string node(std::string_view id) const;

 private:
  const std::string prefix_;
  std::string home_;  // prefix_, or its hash tag
};

}  // namespace crosspoint::cluster
