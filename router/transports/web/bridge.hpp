#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "settings/web_services.hpp"
#include "transports/http_service.hpp"
#include "transports/web/bridge_session.hpp"
#include "transports/web/replay_guard.hpp"

/// What publisher, caller and webhook have in common: the checks of a request, in Crossbar's order, and the answers.
namespace crosspoint::transports::web {

/// Requests to one bridge. Any thread.
class Bridge : public HttpService {
 public:
  void handle(std::shared_ptr<HttpExchange> exchange, std::string_view rest) const final;

 protected:
  /// `json`: the body must be a JSON object.
  Bridge(BridgeSession& session, settings::BridgeOptions options, bool json);

  /// Checks before the parameters are looked at. Returns what is wrong.
  virtual std::string check_headers(const HttpRequest& request) const;
  /// A request that passed the checks; `body` is null unless it is JSON.
  virtual void process(const std::shared_ptr<HttpExchange>& exchange, nlohmann::json body) const = 0;

  /// Publishes, or calls, and answers with what `respond` makes of the outcome, unless the client leaves before.
  using Respond = std::function<HttpResponse(const HttpRequest&, const BridgeSession::Answer&)>;
  void publish(const std::shared_ptr<HttpExchange>& exchange, std::string_view topic, std::string_view options,
               std::string_view payload, Respond respond) const;
  void call(const std::shared_ptr<HttpExchange>& exchange, std::string_view procedure, std::string_view payload,
            Respond respond) const;

 private:
  std::optional<HttpResponse> check(const HttpExchange& exchange, Stream& stream, nlohmann::json& body) const;
  std::optional<HttpResponse> check_content(const HttpRequest& request) const;
  std::optional<HttpResponse> check_signature(const HttpRequest& request) const;
  BridgeSession::Callback when_answered(const std::shared_ptr<HttpExchange>& exchange, Respond respond) const;
  void await(const std::shared_ptr<HttpExchange>& exchange, std::string_view problem, std::uint64_t id) const;

  BridgeSession& session_;
  settings::BridgeOptions options_;
  bool json_;
  mutable ReplayGuard replays_;
};

/// JSON that nests no deeper than messages may, so that nobody's recursion ends badly. False if `text` is none.
bool parse_json(std::string_view text, nlohmann::json& out);
/// A response with the headers that all answers of a bridge have.
HttpResponse bridge_response(const HttpRequest& request, unsigned status, std::string body);
/// {"error": problem, "args": [], "kwargs": {}}
HttpResponse bridge_refusal(const HttpRequest& request, unsigned status, std::string_view problem);
/// A WAMP error, which is an answer like any other: 200.
HttpResponse bridge_error(const HttpRequest& request, const BridgeSession::Answer& answer);

/// `args` and `kwargs` of a request as BridgeSession takes them. Returns what is wrong with them.
std::string_view read_payload(const nlohmann::json& body, std::string& payload);

}  // namespace crosspoint::transports::web
