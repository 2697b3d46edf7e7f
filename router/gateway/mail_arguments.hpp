#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "connection/service.hpp"
#include "gateway/mailboxes.hpp"

/// What the procedures of mailboxes are called with. Nothing is returned for what is wrong, and `problem` says what.
namespace crosspoint::gateway {

std::optional<std::string> read_identity(const connection::Service::Invocation& call, std::string& problem);
std::optional<Receiver> read_receiver(const connection::Service::Invocation& call, std::string& problem);
/// `lifetime`: seconds, if the call does not say.
std::optional<storage::MailboxRecord> read_record(const connection::Service::Invocation& call, std::uint32_t lifetime,
                                                  std::string& problem);

}  // namespace crosspoint::gateway
