#pragma once

#include <string>

#include "gateway/mailbox_procedures.hpp"
#include "settings/mailboxes.hpp"

namespace crosspoint::node {

/// What the settings of a realm's mailboxes ask for, with what the store has of them. False if that cannot be used;
/// `problem` says why. `node`: the address of this node, if the realm is clustered, else empty.
bool open_mailboxes(const settings::Mailboxes& settings, const std::string& node, gateway::MailboxOptions& out,
                    std::string& problem);

}  // namespace crosspoint::node
