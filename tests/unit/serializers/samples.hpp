#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "serializers/serializers.hpp"

namespace crosspoint::test {

inline constexpr wamp::Encoding kAllEncodings[] = {wamp::Encoding::json, wamp::Encoding::msgpack, wamp::Encoding::cbor,
                                                   wamp::Encoding::ubjson};

/// A message of every type and form, as JSON, in the form our encoder writes it.
const std::vector<nlohmann::json>& sample_messages();

/// A value's bytes, written by nlohmann's encoders.
std::string bytes_of(wamp::Encoding encoding, const nlohmann::json& value);
/// The value of bytes, read by nlohmann's decoders.
nlohmann::json value_of(wamp::Encoding encoding, const std::string& bytes);

/// Decodes; the problem found, or nothing.
struct Decoded {
  std::string bytes;
  serializers::Scratch scratch;
  wamp::Message message;
  std::string problem;

  Decoded(wamp::Encoding encoding, std::string encoded);
  Decoded(const Decoded&) = delete;
};

/// A message's bytes by our encoder; empty if its payload cannot be expressed.
std::string encode(wamp::Encoding encoding, const wamp::Message& message);

}  // namespace crosspoint::test
