#pragma once

#include <cstdint>
#include <string>
#include <vector>

/// What nodes of a cluster ask each other when a session calls a meta procedure.
namespace crosspoint::realm {

/// A call of a meta procedure, for what the node that is asked knows by itself.
struct NodeQuestion {
  std::string from;          ///< the address of the node that asks; empty on that node itself
  std::uint64_t number = 0;  ///< by which it knows the question
  std::string procedure;
  std::string arguments;  ///< JSON text of a list
  std::string keywords;   ///< JSON text of an object
  bool trusted = false;   ///< the caller may know of what is the router's own
};

struct NodeAnswer {
  std::string node;   ///< the id of the node that answers
  std::string error;  ///< an error URI; empty if all is well
  std::string text;   ///< the result as JSON text; with an error, what it says to people
};

/// What all nodes that were asked have answered, for the shard that asked. Those that are gone or slow are left out.
struct NodeAnswers {
  std::uint64_t number = 0;  ///< the shard's
  std::vector<NodeAnswer> answers;
  bool refused = false;  ///< too much is under way: nobody was asked
};

}  // namespace crosspoint::realm
