#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/io_thread.hpp"
#include "wamp/ids.hpp"

namespace crosspoint::transports::web {

/// What an HTTP bridge does in its realm: it publishes and calls, as a session of the router's own that has the role
/// configured. Used by all threads; what belongs to a request stays on the thread of its connection.
class BridgeSession {
 public:
  /// What came of a request.
  struct Answer {
    std::string error;  ///< an error URI; empty if all went well
    wamp::PublicationId publication = 0;
    nlohmann::json arguments = nlohmann::json::array();  ///< of the result or error
    nlohmann::json keyword_arguments = nlohmann::json::object();
  };
  /// Called once, on the thread of `io`.
  using Callback = std::function<void(Answer answer)>;

  virtual ~BridgeSession() = default;

  /// PUBLISH or CALL as a client would send it in JSON: `options` is an object, `payload` is "", ",[...]" or
  /// ",[...],{...}". Returns what is wrong with it, and nothing has been done; or nothing, and the answer will come.
  /// `request` names it for abandon().
  virtual std::string_view publish(base::IoThread& io, std::string_view topic, std::string_view options,
                                   std::string_view payload, Callback callback, std::uint64_t& request) = 0;
  virtual std::string_view call(base::IoThread& io, std::string_view procedure, std::string_view payload,
                                Callback callback, std::uint64_t& request) = 0;
  /// Nobody waits for the answer any more: the callback will not be called, and a call is canceled. Not from within a
  /// callback.
  virtual void abandon(base::IoThread& io, std::uint64_t request) = 0;
};

}  // namespace crosspoint::transports::web
