#pragma once

#include <cstdint>
#include <vector>

#include "realm/node_question.hpp"

/// How the answers of several nodes to a call of a meta procedure become one.
namespace crosspoint::realm {

enum class Merge : std::uint8_t {
  none,     ///< the node answers alone
  session,  ///< it is about one session: the answer of its node
  sum,      ///< numbers
  ids,      ///< lists of ids: all of them, sorted
  matches,  ///< the same or null, those of the own node first
  lists,    ///< dictionaries of lists of ids
  value,    ///< the first that is not null
  details,  ///< of a subscription: the first, with `nodes` that have it and the oldest `created`
};

/// Whether other nodes may have more to say.
bool needs_others(Merge merge, const NodeAnswer& own);

/// One answer. What others have answered and has not the form expected is passed over.
NodeAnswer merge_answers(Merge merge, NodeAnswer own, const std::vector<NodeAnswer>& others);

}  // namespace crosspoint::realm
