#pragma once

#include <string>
#include <string_view>

#include "realm/session.hpp"
#include "transports/message_port.hpp"

/// What dynamic authenticators and authorizers are told, as JSON text.
namespace crosspoint::connection {

/// The `transport` dictionary: Crossbar's attributes, and those of older versions (`type`, `protocol`, `cbtid`).
std::string transport_json(const transports::TransportInfo& info);

/// `session`, `authid`, `authrole`, `authmethod`, `authprovider`, `authextra` and `transport` of a session, and `node`
/// unless it is empty.
std::string session_json(const realm::Identity& identity, const transports::TransportInfo& info,
                         std::string_view node = {});

/// The same for a session of the router's own.
std::string router_session_json(const realm::Identity& identity);

/// The arguments that a dynamic authorizer is called with; `session` is what session_json() tells.
std::string authorizer_arguments(const std::string& session, const realm::Question& question);

}  // namespace crosspoint::connection
