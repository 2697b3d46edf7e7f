#include <cctype>

#include "base/log.hpp"
#include "serializers/reader.hpp"
#include "transports/stream.hpp"
#include "transports/web/bridge.hpp"
#include "transports/web/services.hpp"
#include "transports/web/signed_request.hpp"

namespace crosspoint::transports::web {
namespace {

using nlohmann::json;

/// "x-hub-signature" as HTTP/1.1 usually has it: "X-Hub-Signature".
std::string header_name(std::string_view lower) {
  if (lower == "etag") return "ETag";
  if (lower == "dnt" || lower == "te" || lower == "p3p") {
    std::string upper(lower);
    for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return upper;
  }
  std::string name(lower);
  bool first = true;
  for (char& c : name) {
    if (first) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    first = c == '-';
  }
  return name;
}

/// Header values are bytes; what is no UTF-8 is taken for Latin-1.
std::string as_utf8(const std::string& value) {
  if (serializers::is_utf8(value)) return value;
  std::string text;
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      text.push_back(c);
    } else {
      text.push_back(static_cast<char>(0xc0 | byte >> 6));
      text.push_back(static_cast<char>(0x80 | (byte & 0x3f)));
    }
  }
  return text;
}

settings::BridgeOptions options_of(const settings::Webhook& settings) {
  settings::BridgeOptions options;
  options.post_body_limit = settings.post_body_limit;
  return options;
}

/// Whatever is posted becomes one event: {"headers": {name: [values]}, "body": text}.
class WebhookService final : public Bridge {
 public:
  WebhookService(const settings::Webhook& settings, BridgeSession& session)
      : Bridge(session, options_of(settings), false), settings_(settings) {}

 private:
  std::string check_headers(const HttpRequest& request) const override {
    if (settings_.github_secret.empty() ||
        is_github_signature(request.header("x-hub-signature"), request.body, settings_.github_secret)) {
      return {};
    }
    return "X-Hub-Signature is missing or wrong";
  }

  void process(const std::shared_ptr<HttpExchange>& exchange, json) const override {
    const HttpRequest& request = exchange->request();
    json headers = json::object();
    for (const auto& [name, value] : request.headers) headers[header_name(name)].push_back(as_utf8(value));
    const json event{{"headers", std::move(headers)}, {"body", request.body}};
    publish(exchange, settings_.topic, R"({"acknowledge":true})", ",[" + event.dump() + "]",
            [this](const HttpRequest& to, const BridgeSession::Answer& answer) {
              if (answer.error.empty()) return bridge_response(to, 202, settings_.success_response);
              log::error("webhook {}: its event for \"{}\" was not published: {} {}", to.path, settings_.topic,
                         answer.error, answer.arguments.dump());
              return bridge_response(to, 500, settings_.error_response);
            });
  }

  settings::Webhook settings_;
};

}  // namespace

std::unique_ptr<HttpService> make_webhook(const settings::Webhook& settings, const ServiceContext& context) {
  return std::make_unique<WebhookService>(settings, context.make_bridge_session(settings.target, {}));
}

}  // namespace crosspoint::transports::web
