#include "cluster/node_message.hpp"

namespace crosspoint::cluster {

std::string write_node_message(std::string_view from, std::string_view kind, std::string_view text) {
  std::string message;
  message.reserve(kMagic.size() + from.size() + kind.size() + text.size() + 2);
  return message.append(kMagic).append(from).append(" ").append(kind).append("\n").append(text);
}

bool read_node_message(std::string_view message, NodeMessage& out) {
  if (!message.starts_with(kMagic)) return false;
  const std::size_t end = message.find('\n');
  if (end == std::string_view::npos) return false;
  const std::string_view head = message.substr(kMagic.size(), end - kMagic.size());
  const std::size_t space = head.find(' ');
  if (space == std::string_view::npos) return false;
  out = {head.substr(0, space), head.substr(space + 1), message.substr(end + 1)};
  const bool named = out.from.find('/') != std::string_view::npos && !out.kind.empty();
  return named && out.kind.find(' ') == std::string_view::npos;
}

}  // namespace crosspoint::cluster
