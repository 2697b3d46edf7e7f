#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "connection/service.hpp"
#include "transports/http_message.hpp"

/// The calls that come from HTTP requests, `connect` before a connection is accepted and `request` for those that ask
/// for no WebSocket: what the worker is told, and what its answer means. No I/O.
namespace crosspoint::gateway {

/// `rest`: the path behind the route's own. Header values of one name are joined by ", "; of query fields and cookies
/// that come several times the first counts.
nlohmann::json describe_request(const transports::HttpRequest& request, std::string_view rest,
                                std::string_view peer_address, std::string_view subprotocol);

/// What becomes of the request.
struct ConnectDecision {
  unsigned status = 101;     ///< 101: accepted; else 300 to 599, the refusal
  std::string reason;        ///< of a refusal: for the log
  std::string body;          ///< of a refusal
  bool worker_done = true;   ///< false if the worker may still be at it, or take the connection for accepted
  nlohmann::json principal;  ///< whatever the worker wants to be told with each call
  std::vector<std::pair<std::string, std::string>> headers;  ///< for the response, either way
};

ConnectDecision read_answer(const connection::Service::Answer& answer);

/// The response to a request: `{status, body, headers, cookies}`. A body that is a string is sent as plain text, bytes
/// as such, anything else as JSON, unless the headers say Content-Type. `problem` says why it is an error of ours.
transports::HttpResponse read_response(const connection::Service::Answer& answer, std::string& problem);

}  // namespace crosspoint::gateway
