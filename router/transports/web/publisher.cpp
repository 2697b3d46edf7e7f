#include <fmt/core.h>

#include "transports/web/bridge.hpp"
#include "transports/web/services.hpp"

namespace crosspoint::transports::web {
namespace {

using nlohmann::json;

/// The options of PUBLISH that a request may set; others are passed over, as Crossbar does.
constexpr const char* kOptions[] = {"retain",           "exclude_me", "exclude",         "exclude_authid",
                                    "exclude_authrole", "eligible",   "eligible_authid", "eligible_authrole"};

/// POST {"topic", "args", "kwargs", "options"} publishes; the answer is {"id": publication}.
class PublisherService final : public Bridge {
 public:
  PublisherService(const settings::Publisher& settings, BridgeSession& session)
      : Bridge(session, settings.options, true) {}

 private:
  void process(const std::shared_ptr<HttpExchange>& exchange, json body) const override {
    const auto refuse = [&](std::string_view problem) {
      exchange->respond(bridge_refusal(exchange->request(), 400, problem));
    };
    const auto topic = body.find("topic");
    if (topic == body.end()) return refuse("\"topic\" is missing");
    if (!topic->is_string()) return refuse("\"topic\" must be a string");
    std::string payload;
    if (const auto problem = read_payload(body, payload); !problem.empty()) return refuse(problem);
    json options{{"acknowledge", true}};
    if (const auto given = body.find("options"); given != body.end() && !given->is_null()) {
      if (!given->is_object()) return refuse("\"options\" must be an object");
      for (const char* name : kOptions) {
        if (const auto at = given->find(name); at != given->end() && !at->is_null()) options[name] = *at;
      }
    }
    publish(exchange, topic->get_ref<const std::string&>(), options.dump(), payload,
            [](const HttpRequest& request, const BridgeSession::Answer& answer) {
              if (!answer.error.empty()) return bridge_error(request, answer);
              return bridge_response(request, 200, fmt::format("{{\"id\":{}}}", answer.publication));
            });
  }
};

}  // namespace

std::unique_ptr<HttpService> make_publisher(const settings::Publisher& settings, const ServiceContext& context) {
  return std::make_unique<PublisherService>(settings, context.make_bridge_session(settings.target, {}));
}

}  // namespace crosspoint::transports::web
