#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "gateway/hub.hpp"
#include "gateway/mail_carrier.hpp"
#include "gateway/node_calls.hpp"
#include "gateway/own_connections.hpp"

namespace crosspoint::gateway {

/// What a node does for mailboxes that are shared, be it their keeper or not: tells which of its connections are there,
/// and hands messages to its receivers. Other nodes ask for that by NodeCalls:
///   mail-there    [ids]                                          those that are not there; of the others the keeper is
///                                                                told when they go
///   mail-deliver  [receiver, identity, id, message, confirm]     MailCarrier::Handed, as a number
/// Belongs to the thread of the mailboxes.
class MailboxesElsewhere {
 public:
  /// Before the threads start.
  MailboxesElsewhere(Hub& hub, base::IoThread& io, MailCarrier& carrier);

  using Missing = std::vector<std::string>;
  /// Asks a node which of its connections are not there; this one, too. Nothing if it does not answer.
  void find_missing(std::uint64_t node, const std::vector<std::string>& ids,
                    std::function<void(NodeCalls::Outcome outcome, const Missing& missing)> then);
  /// A connection of this node is gone.
  void tell_gone(const std::string& id);
  /// The address of the node that keeps the mailboxes. Messages from another one are not taken: it may have been the
  /// keeper, and what the present one has delivered since would come before them.
  void set_keeper(const std::string& address) { keeper_ = address; }

 private:
  void there(const NodeCalls::Request& request);
  void deliver(const NodeCalls::Request& request);
  void find_own_missing(const std::vector<std::string>& ids, OwnConnections::Then<Missing> then);

  NodeCalls& others_;
  const std::uint64_t node_;
  MailCarrier& carrier_;
  OwnConnections own_;
  std::string keeper_;
  std::set<std::string> watched_;  // connections that a keeper has asked about
};

}  // namespace crosspoint::gateway
