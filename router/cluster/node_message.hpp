#pragma once

#include <string>
#include <string_view>

/// What one node sends another one, or all: a line with the sender and a word that says what it is, and the rest.
namespace crosspoint::cluster {

/// What nodes write begins with it, also an event (publication_text.hpp).
inline constexpr std::string_view kMagic = "crosspoint1 ";

struct NodeMessage {
  std::string_view from;  ///< "<node>/<start>"
  std::string_view kind;
  std::string_view text;
};

std::string write_node_message(std::string_view from, std::string_view kind, std::string_view text);
/// False if `message` has another form. The views point into it.
bool read_node_message(std::string_view message, NodeMessage& out);

}  // namespace crosspoint::cluster
