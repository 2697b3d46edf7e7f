#pragma once

#include "serializers/scratch.hpp"
#include "serializers/write_buffer.hpp"
#include "wamp/payload.hpp"

/// From one encoding to another: what a receiver of another serializer than the sender's gets. In one pass, without a
/// tree. Binary values are strings that begin with U+0000 and go on in base64 in JSON ("Binary conversion of JSON
/// Strings"); floating point numbers that JSON and UBJSON lack
/// (infinities, not a number) become null there.
namespace crosspoint::serializers {

/// Appends the bytes of `payload`'s elements in another encoding to `out`; uses `scratch`. False if they cannot be
/// expressed there; `out` then has a part of them.
bool convert(const wamp::Payload& payload, wamp::Encoding target, Scratch& scratch, WriteBuffer& out);
/// The same for a dictionary.
bool convert(const wamp::Dict& dict, wamp::Encoding target, Scratch& scratch, WriteBuffer& out);

}  // namespace crosspoint::serializers
