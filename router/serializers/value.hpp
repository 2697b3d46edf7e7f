#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/bytes.hpp"
#include "wamp/payload.hpp"

/// The slow path: whole values as trees (nlohmann::json), for what the router itself reads and makes: dictionaries of
/// the handshake, arguments of meta procedures. Binary values are json::binary; in JSON text they are strings that
/// begin with U+0000 and go on in base64 ("Binary support in JSON", specification).
namespace crosspoint::serializers {

/// The value that `bytes` encode. False if they encode none, or one that a tree cannot hold.
bool to_value(wamp::Encoding encoding, base::Bytes bytes, nlohmann::json& out);
/// A dictionary's value; an empty object if it has no bytes.
bool to_value(const wamp::Dict& dict, nlohmann::json& out);

/// Appends `value`'s bytes. Floating point numbers that JSON and UBJSON lack (infinities,
/// not a number) become null there.
void append_value(wamp::Encoding encoding, const nlohmann::json& value, std::string& out);

/// Arguments (a list) and ArgumentsKw (an object) of a payload; empty ones if it has none. False also for a payload
/// that is one string or binary value instead.
bool to_values(const wamp::Payload& payload, nlohmann::json& arguments, nlohmann::json& keyword_arguments);

}  // namespace crosspoint::serializers
