#include "connection/message_text.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "serializers/value.hpp"

namespace crosspoint::connection {
namespace {

/// Longer values are cut, and larger ones not even read.
constexpr std::size_t kShown = 200;
constexpr std::size_t kRead = 4096;

std::string cut(std::string text) {
  if (text.size() <= kShown) return text;
  std::size_t end = kShown;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;  // not inside a character
  return fmt::format("{}... ({} bytes)", text.substr(0, end), text.size());
}

/// What a member of this name holds is not shown: dynamic authenticators are sent tickets and answer with secrets.
bool is_secret(std::string_view name) {
  constexpr std::array<std::string_view, 6> kSecrets{"ticket",    "secret",     "password",
                                                     "signature", "stored-key", "server-key"};
  return std::find(kSecrets.begin(), kSecrets.end(), name) != kSecrets.end();
}

/// Puts "***" in the place of secrets, at any depth.
void hide_secrets(nlohmann::json& value) {
  if (!value.is_structured()) return;
  for (auto at = value.begin(); at != value.end(); ++at) {
    if (value.is_object() && is_secret(at.key())) {
      *at = "***";
    } else {
      hide_secrets(*at);
    }
  }
}

std::string payload_text(const wamp::Payload& payload) {
  if (payload.elements == 0) return "";
  nlohmann::json arguments;
  nlohmann::json keywords;
  if (payload.bytes.size() > kRead || !serializers::to_values(payload, arguments, keywords)) {
    return fmt::format(" {} bytes", payload.bytes.size());
  }
  hide_secrets(arguments);
  std::string json;
  serializers::append_value(wamp::Encoding::json, arguments, json);
  if (payload.elements > 1) {
    hide_secrets(keywords);
    json += ",";
    serializers::append_value(wamp::Encoding::json, keywords, json);
  }
  return " " + cut(std::move(json));
}

std::string dict_text(const wamp::Dict& dict) {
  nlohmann::json value;
  if (dict.bytes.size() <= 1 || dict.bytes.size() > kRead || !serializers::to_value(dict, value) || value.empty()) {
    return "";
  }
  std::string json;
  serializers::append_value(wamp::Encoding::json, value, json);
  return " " + cut(std::move(json));
}

/// HELLO.Details without what may be secret or long.
std::string hello_text(const wamp::Dict& details) {
  nlohmann::json value;
  if (!serializers::to_value(details, value) || !value.is_object()) return "";
  value.erase("authextra");
  value.erase("roles");
  std::string json;
  serializers::append_value(wamp::Encoding::json, value, json);
  return " " + cut(std::move(json));
}

struct Describe {
  std::string operator()(const wamp::Hello& m) const {
    return fmt::format(" realm=\"{}\"{}", m.realm, hello_text(m.details));
  }
  std::string operator()(const wamp::Welcome& m) const { return fmt::format(" session={}", m.session); }
  std::string operator()(const wamp::Abort& m) const { return fmt::format(" {}{}", m.reason, dict_text(m.details)); }
  std::string operator()(const wamp::Challenge& m) const { return fmt::format(" method=\"{}\"", m.method); }
  std::string operator()(const wamp::Authenticate&) const { return " (signature not shown)"; }
  std::string operator()(const wamp::Goodbye& m) const { return fmt::format(" {}{}", m.reason, dict_text(m.details)); }
  std::string operator()(const wamp::Error& m) const {
    return fmt::format(" {} request={} {}{}", to_string(m.request_type), m.request, m.error, payload_text(m.payload));
  }
  std::string operator()(const wamp::Publish& m) const {
    return fmt::format(" request={}{} topic=\"{}\"{}", m.request, dict_text(m.options.raw), m.topic,
                       payload_text(m.payload));
  }
  std::string operator()(const wamp::Published& m) const {
    return fmt::format(" request={} publication={}", m.request, m.publication);
  }
  std::string operator()(const wamp::Subscribe& m) const {
    return fmt::format(" request={}{} topic=\"{}\"", m.request, dict_text(m.options.raw), m.topic);
  }
  std::string operator()(const wamp::Subscribed& m) const {
    return fmt::format(" request={} subscription={}", m.request, m.subscription);
  }
  std::string operator()(const wamp::Unsubscribe& m) const {
    return fmt::format(" request={} subscription={}", m.request, m.subscription);
  }
  std::string operator()(const wamp::Event& m) const {
    return fmt::format(" subscription={} publication={}{}", m.subscription, m.publication, payload_text(m.payload));
  }
  std::string operator()(const wamp::Call& m) const {
    return fmt::format(" request={}{} procedure=\"{}\"{}", m.request, dict_text(m.options.raw), m.procedure,
                       payload_text(m.payload));
  }
  std::string operator()(const wamp::Register& m) const {
    return fmt::format(" request={}{} procedure=\"{}\"", m.request, dict_text(m.options.raw), m.procedure);
  }
  std::string operator()(const wamp::Registered& m) const {
    return fmt::format(" request={} registration={}", m.request, m.registration);
  }
  std::string operator()(const wamp::Unregister& m) const {
    return fmt::format(" request={} registration={}", m.request, m.registration);
  }
  std::string operator()(const wamp::Invocation& m) const {
    return fmt::format(" request={} registration={}{}", m.request, m.registration, payload_text(m.payload));
  }
  template <class M>
  requires requires(const M& m) { m.payload; }
  std::string operator()(const M& m) const { return fmt::format(" request={}{}", m.request, payload_text(m.payload)); }
  template <class M>
  std::string operator()(const M& m) const {
    return fmt::format(" request={}", m.request);
  }
};

}  // namespace

std::string message_text(const wamp::Message& message) {
  return std::string(to_string(type_of(message))) + std::visit(Describe{}, message);
}

}  // namespace crosspoint::connection
