#include "connection/service.hpp"

#include <fmt/core.h>

#include <utility>

#include "base/log.hpp"
#include "connection/realm_gate.hpp"
#include "serializers/value.hpp"
#include "wamp/errors.hpp"

namespace crosspoint::connection {
namespace {

using nlohmann::json;

json first_argument(const wamp::Payload& payload, json& keywords) {
  json arguments;
  if (!serializers::to_values(payload, arguments, keywords) || arguments.empty()) return {};
  return std::move(arguments.front());
}

std::string json_text(const json& value) {
  std::string text;
  serializers::append_value(wamp::Encoding::json, value, text);
  return text;
}

}  // namespace

Service::Service(RealmGate& gate, const realm::Role& role)
    : gate_(gate), session_(gate.shard().join_internal(*this, role)) {}

Service::~Service() {
  for (auto at = pending_.begin(); at != pending_.end(); ++at) gate_.io().cancel(at.value().timer);
}

wamp::RequestId Service::call(std::string_view procedure, std::string_view arguments, std::chrono::seconds timeout,
                              Callback callback) {
  return call(procedure, wamp::Payload::from_json(arguments, 1), timeout, std::move(callback));
}

wamp::RequestId Service::call(std::string_view procedure, wamp::Payload arguments, std::chrono::seconds timeout,
                              Callback callback) {
  const wamp::RequestId request = ++last_request_;
  Pending pending{std::move(callback), {}};
  pending.timer = gate_.io().after(timeout, [this, request, timeout] {
    complete(request, {std::string(wamp::kTimeout), fmt::format("no answer within {} s", timeout.count()), {}, {}});
    abandon(request);
  });
  pending_.emplace(request, std::move(pending));
  wamp::Call message;
  message.request = request;
  message.procedure = procedure;
  message.payload = std::move(arguments);
  send(message);
  return request;
}

void Service::send(const wamp::Message& message) {
  gate_.shard().receive(session_, message, gate_.outbox());
  gate_.deliver();
}

void Service::cancel(wamp::RequestId call) {
  const auto at = pending_.find(call);
  if (at == pending_.end()) return;
  gate_.io().cancel(at.value().timer);
  pending_.erase(at);
  abandon(call);
}

void Service::abandon(wamp::RequestId request) {
  abandoned_.push_back(request);
  gate_.need_turn_end();
}

bool Service::provide(std::string_view procedure, Procedure handler) {
  registered_ = 0;
  wamp::Register message;
  message.request = ++last_request_;
  message.procedure = procedure;
  send(message);
  if (registered_ == 0) return false;
  procedures_.emplace(registered_, std::move(handler));
  return true;
}

void Service::yield(wamp::RequestId invocation, const json& value) {
  send(wamp::Yield{invocation, {}, wamp::Payload::from_json("[" + json_text(value) + "]", 1)});
}

void Service::fail(wamp::RequestId invocation, std::string_view error, std::string_view text) {
  send(wamp::Error{wamp::MessageType::invocation, invocation, {}, error, wamp::Payload::from_text(text)});
}

void Service::receive(const wamp::Message& message) {
  if (const auto* result = std::get_if<wamp::Result>(&message)) {
    Answer answer;
    answer.value = first_argument(result->payload, answer.keywords);
    complete(result->request, std::move(answer));
  } else if (const auto* invocation = std::get_if<wamp::Invocation>(&message)) {
    Invocation call{invocation->request, json::array(), json::object()};
    serializers::to_values(invocation->payload, call.arguments, call.keywords);
    invocations_.emplace_back(invocation->registration, std::move(call));
    gate_.need_turn_end();
  } else if (const auto* registered = std::get_if<wamp::Registered>(&message)) {
    registered_ = registered->registration;
  } else if (const auto* error = std::get_if<wamp::Error>(&message)) {
    json keywords;
    const json argument = first_argument(error->payload, keywords);
    std::string text = argument.is_null()     ? std::string()
                       : argument.is_string() ? argument.get<std::string>()
                                              : argument.dump();
    if (error->request_type == wamp::MessageType::register_) {
      log::error("realm \"{}\": {} {}", gate_.shard().realm().name(), error->error, text);
      return;
    }
    complete(error->request, {std::string(error->error), std::move(text), {}, std::move(keywords)});
  }
}

void Service::complete(wamp::RequestId request, Answer answer) {
  if (!pending_.contains(request)) return;  // too late
  answers_.emplace_back(request, std::move(answer));
  gate_.need_turn_end();
}

bool Service::run_callbacks() {
  for (const wamp::RequestId request : std::exchange(abandoned_, {})) {
    send(wamp::Cancel{request, wamp::CancelMode::killnowait, {}});
  }
  if (answers_.empty() && invocations_.empty()) return false;
  for (auto& [registration, invocation] : std::exchange(invocations_, {})) {
    const auto at = procedures_.find(registration);
    if (at != procedures_.end()) at->second(std::move(invocation));
  }
  for (auto& [request, answer] : std::exchange(answers_, {})) {
    const auto at = pending_.find(request);
    if (at == pending_.end()) continue;  // cancelled
    gate_.io().cancel(at.value().timer);
    const Callback callback = std::move(at.value().callback);
    pending_.erase(at);
    callback(std::move(answer));
  }
  return true;
}

}  // namespace crosspoint::connection
