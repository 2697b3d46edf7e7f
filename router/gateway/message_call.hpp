#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "settings/gateway.hpp"
#include "transports/plain_port.hpp"
#include "wamp/payload.hpp"

/// Messages of connections as arguments of calls, and values of workers as messages. No I/O.
namespace crosspoint::gateway {

/// What every call of a connection begins with, in the encodings that it may go out in.
struct Introduction {
  std::string json;
  std::string msgpack;

  explicit Introduction(const nlohmann::json& connection);
};

/// Which procedure gets a message, and as what.
struct MessageCall {
  std::string procedure;
  wamp::Payload arguments;  ///< points into the buffer given
  bool dispatched = false;  ///< by its attribute; `message` of the route is for those that have no procedure
};

/// What `message` leads to. Nothing if the route takes only JSON and it is none. `buffer` is for the arguments' bytes.
std::optional<MessageCall> call_for(const settings::Gateway& route, const Introduction& introduction,
                                    transports::DataKind kind, std::string_view message, std::string& buffer);
/// The same for a dispatched message whose procedure does not exist.
MessageCall default_call(const settings::Gateway& route, const Introduction& introduction, std::string_view message,
                         std::string& buffer);

/// A message for a connection.
struct Data {
  transports::DataKind kind = transports::DataKind::text;
  std::string bytes;
};
/// A string is a text message, bytes are a binary one, anything else is JSON text. Nothing if a string is not UTF-8.
std::optional<Data> to_data(const nlohmann::json& value);

}  // namespace crosspoint::gateway
