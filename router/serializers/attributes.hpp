#pragma once

#include <string_view>

#include "serializers/scratch.hpp"
#include "wamp/message.hpp"

/// What is said of attributes of Options and Details that are wrong. Off the fast path.
namespace crosspoint::serializers {

/// "PUBLISH.Options.acknowledge must be a boolean", kept in `scratch`. `where` is "PUBLISH.Options", `name` what each
/// entry of it is called.
std::string_view attribute_problem(std::string_view where, std::string_view name, Scratch& scratch);

/// What is wrong with the attributes of a payload that is one string or binary value instead of Arguments (Crossbar's
/// payload transparency), or nothing: its algorithm and serializer must be known ones, or begin with "x_".
std::string_view transparency_problem(const wamp::PassthruRef& passthru);

}  // namespace crosspoint::serializers
