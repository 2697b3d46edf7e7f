#include "serializers/value.hpp"
#include "transports/web/bridge.hpp"
#include "transports/web/services.hpp"

namespace crosspoint::transports::web {
namespace {

using nlohmann::json;

/// As Crossbar tells results: {"args": [...]}, and "kwargs" only if there are any; nothing at all is [null].
HttpResponse result(const HttpRequest& request, const BridgeSession::Answer& answer) {
  if (!answer.error.empty()) return bridge_error(request, answer);
  const bool keywords = !answer.keyword_arguments.empty();
  std::string body = "{";
  if (!answer.arguments.empty()) {
    body += "\"args\":";
    serializers::append_value(wamp::Encoding::json, answer.arguments, body);
  } else if (!keywords) {
    body += "\"args\":[null]";
  }
  if (keywords) {
    body += answer.arguments.empty() ? "\"kwargs\":" : ",\"kwargs\":";
    serializers::append_value(wamp::Encoding::json, answer.keyword_arguments, body);
  }
  return bridge_response(request, 200, body + "}");
}

/// POST {"procedure", "args", "kwargs"} calls; the answer is the result.
class CallerService final : public Bridge {
 public:
  CallerService(const settings::Caller& settings, BridgeSession& session) : Bridge(session, settings.options, true) {}

 private:
  void process(const std::shared_ptr<HttpExchange>& exchange, json body) const override {
    const auto refuse = [&](std::string_view problem) {
      exchange->respond(bridge_refusal(exchange->request(), 400, problem));
    };
    const auto procedure = body.find("procedure");
    if (procedure == body.end()) return refuse("\"procedure\" is missing");
    if (!procedure->is_string()) return refuse("\"procedure\" must be a string");
    std::string payload;
    if (const auto problem = read_payload(body, payload); !problem.empty()) return refuse(problem);
    call(exchange, procedure->get_ref<const std::string&>(), payload, result);
  }
};

}  // namespace

std::unique_ptr<HttpService> make_caller(const settings::Caller& settings, const ServiceContext& context) {
  const std::chrono::seconds timeout(settings.options.call_timeout);
  return std::make_unique<CallerService>(settings, context.make_bridge_session(settings.target, timeout));
}

}  // namespace crosspoint::transports::web
