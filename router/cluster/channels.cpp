#include "cluster/channels.hpp"

#include <algorithm>

namespace crosspoint::cluster {
namespace {

constexpr std::string_view kTopic = ":topic:";

/// Appends text that a pattern of Redis is to take as it is.
void append_literal(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c == '*' || c == '?' || c == '[' || c == ']' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
}

}  // namespace

std::string Channels::topic(std::string_view realm, std::string_view topic) const {
  std::string channel;
  channel.reserve(prefix_.size() + 1 + realm.size() + kTopic.size() + topic.size());
  channel.append(prefix_).append(":").append(realm).append(kTopic).append(topic);
  return channel;
}

std::string Channels::pattern(std::string_view realm, std::string_view uri, wamp::Match match) const {
  std::string pattern;
  append_literal(pattern, prefix_);
  pattern.append(":").append(realm).append(kTopic);  // a realm's name has no special characters
  if (match == wamp::Match::prefix) {
    append_literal(pattern, uri);
    pattern.push_back('*');
    return pattern;
  }
  for (;;) {
    const std::size_t dot = std::min(uri.find('.'), uri.size());
    if (dot == 0) {
      pattern.push_back('*');
    } else {
      append_literal(pattern, uri.substr(0, dot));
    }
    if (dot == uri.size()) return pattern;
    pattern.push_back('.');
    uri.remove_prefix(dot + 1);
  }
}

bool Channels::split(std::string_view channel, std::string_view& realm, std::string_view& topic) const {
  if (!channel.starts_with(prefix_)) return false;
  channel.remove_prefix(prefix_.size());
  if (!channel.starts_with(':')) return false;
  channel.remove_prefix(1);
  const std::size_t colon = channel.find(':');
  if (colon == std::string_view::npos || !channel.substr(colon).starts_with(kTopic)) return false;
  realm = channel.substr(0, colon);
  topic = channel.substr(colon + kTopic.size());
  return true;
}

std::string Channels::sharded(std::string_view name) const {
  return cluster_key() + std::string(name.substr(prefix_.size()));
}

std::string Channels::history(std::string_view realm, std::string_view uri, wamp::Match match) const {
  return prefix_ + ":" + std::string(realm) + ":history:{" + std::string(to_string(match)) + ":" + std::string(uri) +
         "}";
}

std::string Channels::private_of(std::string_view sender) const { return home_ + ":to:" + std::string(sender); }

std::string Channels::retained(std::string_view realm) const { return home_ + ":" + std::string(realm) + ":retained"; }

std::string Channels::writer(std::string_view sender) const { return home_ + ":writer:" + std::string(sender); }

std::string Channels::node(std::string_view id) const { return home_ + ":node:" + std::string(id); }

}  // namespace crosspoint::cluster
