#include "connection/service.hpp"

#include <fmt/core.h>

#include <utility>

#include "base/log.hpp"
#include "connection/principal_details.hpp"
#include "connection/realm_gate.hpp"
#include "serializers/serializers.hpp"
#include "serializers/value.hpp"
#include "wamp/errors.hpp"

namespace crosspoint::connection {
namespace {

using nlohmann::json;

/// How long a dynamic authorizer may take.
constexpr std::chrono::seconds kAuthorizerTime{30};

/// The payload of a result or error as trees.
Service::Answer answer_of(const wamp::Payload& payload) {
  Service::Answer answer;
  if (!serializers::to_values(payload, answer.arguments, answer.keyword_arguments)) {
    answer.arguments = json::array();
    answer.keyword_arguments = json::object();
  }
  return answer;
}

std::string text_of(const json& arguments) {
  if (arguments.empty() || arguments.front().is_null()) return {};
  return arguments.front().is_string() ? arguments.front().get<std::string>() : arguments.front().dump();
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

wamp::RequestId Service::expect(std::chrono::seconds timeout, Callback callback) {
  const wamp::RequestId request = ++last_request_;
  Pending pending;
  pending.callback = std::move(callback);
  pending.timer = gate_.io().after(timeout, [this, request, timeout] {
    fail(request, wamp::kTimeout, fmt::format("no answer within {} s", timeout.count()));
  });
  pending_.emplace(request, std::move(pending));
  return request;
}

wamp::RequestId Service::prepare(wamp::MessageType type, std::string_view rest, std::chrono::seconds timeout,
                                 Callback callback) {
  const wamp::RequestId request = expect(timeout, std::move(callback));
  pending_.find(request).value().message = fmt::format("[{},{},{}]", static_cast<int>(type), request, rest);
  return request;
}

wamp::RequestId Service::call(std::string_view procedure, wamp::Payload arguments, std::chrono::seconds timeout,
                              Callback callback) {
  wamp::Call message;
  message.request = expect(timeout, std::move(callback));
  message.procedure = procedure;
  message.payload = std::move(arguments);
  gate_.shard().receive(session_, message, gate_.outbox());
  if (gate_.shard().must_catch_up()) {
    Pending& pending = pending_.find(message.request).value();
    pending.procedure = procedure;
    pending.arguments = message.payload.kept();
  } else {
    gate_.deliver();
  }
  return message.request;
}

void Service::publish(std::string_view topic, std::string_view arguments) {
  wamp::Publish message;
  message.request = ++last_request_;
  message.topic = topic;
  message.payload = wamp::Payload::from_json(arguments, 1);
  deliver(std::move(message));
}

void Service::deliver(const wamp::Message& message) {
  gate_.shard().receive(session_, message, gate_.outbox());
  gate_.deliver();
}

wamp::RequestId Service::call(std::string_view procedure, std::string_view arguments, std::chrono::seconds timeout,
                              Callback callback) {
  std::string rest = "{},";
  wamp::append_json_string(rest, procedure);
  rest += ",";
  rest += arguments;
  const wamp::RequestId request = prepare(wamp::MessageType::call, rest, timeout, std::move(callback));
  // What a client said may nest so deeply that it makes no message as an argument.
  if (const auto problem = send(request); !problem.empty()) fail(request, wamp::kInvalidArgument, problem);
  return request;
}

std::string_view Service::request(wamp::MessageType type, std::string_view rest, std::chrono::seconds timeout,
                                  Callback callback, wamp::RequestId& id) {
  id = prepare(type, rest, timeout, std::move(callback));
  const auto problem = send(id);
  if (!problem.empty()) cancel(id);
  return problem;
}

std::string_view Service::send(wamp::RequestId request) {
  const std::string& text = pending_.find(request)->second.message;
  auto problem = serializers::decode(wamp::Encoding::json, base::as_bytes(text), scratch_, message_);
  if (problem.empty()) problem = gate_.shard().receive(session_, message_, gate_.outbox());
  auto verdict = std::move(session_.verdict);
  if (!problem.empty()) return problem;
  if (gate_.shard().question()) {
    pending_.find(request).value().verdict = std::move(verdict);
    ask_authorizer(request);
  } else if (gate_.shard().must_catch_up()) {
    pending_.find(request).value().verdict = std::move(verdict);
  } else {
    gate_.deliver();
  }
  return {};
}

void Service::resume(wamp::RequestId request) {
  const auto at = pending_.find(request);
  if (at == pending_.end()) return;
  session_.caught_up = true;
  if (const std::string procedure = std::move(at.value().procedure); !procedure.empty()) {
    wamp::Call message;
    message.request = request;
    message.procedure = procedure;
    message.payload = std::move(at.value().arguments);
    deliver(message);
    session_.caught_up = false;
    return;
  }
  session_.verdict = std::move(at.value().verdict);
  const auto problem = send(request);
  session_.caught_up = false;
  if (!problem.empty()) fail(request, wamp::kInvalidArgument, problem);
}

void Service::ask_authorizer(wamp::RequestId request) {
  const realm::Question& question = *gate_.shard().question();
  const std::string arguments = authorizer_arguments(router_session_json(*session_.identity), question);
  Service& trusted = gate_.service(*gate_.shard().realm().find_role(realm::kTrustedRole));
  Pending& pending = pending_.find(request).value();
  pending.authorizing = &trusted;
  const auto on_answer = [this, request, question](const Answer& answer) {
    const auto at = pending_.find(request);
    if (at == pending_.end()) return;
    at.value().authorizing = nullptr;
    realm::Verdict verdict = answer.error.empty() ? realm::read_verdict(answer.value) : realm::Verdict();
    if (!answer.error.empty()) {
      verdict.problem = answer.message.empty() ? answer.error : answer.error + ": " + answer.message;
    }
    verdict.action = question.action;
    verdict.uri = question.uri;
    verdict.version = question.version;
    verdict.earlier = std::move(at.value().verdict);
    session_.verdict = std::make_unique<realm::Verdict>(std::move(verdict));
    if (const auto problem = send(request); !problem.empty()) fail(request, wamp::kInvalidArgument, problem);
  };
  pending.authorization = trusted.call(session_.role->authorizer(), arguments, kAuthorizerTime, on_answer);
}

void Service::forget(Pending& pending) {
  gate_.io().cancel(pending.timer);
  if (pending.authorizing != nullptr) pending.authorizing->cancel(pending.authorization);
}

void Service::cancel(wamp::RequestId call) {
  const auto at = pending_.find(call);
  if (at == pending_.end()) return;
  forget(at.value());
  pending_.erase(at);
}

bool Service::provide(std::string_view procedure, Procedure handler) {
  registered_ = 0;
  wamp::Register message;
  message.request = ++last_request_;
  message.procedure = procedure;
  deliver(message);
  if (registered_ == 0) return false;
  procedures_.emplace(registered_, std::move(handler));
  return true;
}

void Service::yield(wamp::RequestId invocation, const json& value) {
  deliver(wamp::Yield{invocation, {}, wamp::Payload::from_json("[" + json_text(value) + "]", 1)});
}

void Service::refuse(wamp::RequestId invocation, std::string_view error, std::string_view text) {
  deliver(wamp::Error{wamp::MessageType::invocation, invocation, {}, error, wamp::Payload::from_text(text)});
}

void Service::abandon(wamp::RequestId request) {
  if (!pending_.contains(request)) return;
  cancel(request);
  cancel_at_callee(request);
}

void Service::cancel_at_callee(wamp::RequestId request) {
  if (!session_.calls.contains(request)) return;
  wamp::Cancel cancel;
  cancel.request = request;
  gate_.shard().receive(session_, cancel, gate_.outbox());
  gate_.deliver();
}

void Service::receive(const wamp::Message& message) {
  if (const auto* result = std::get_if<wamp::Result>(&message)) {
    Answer answer = answer_of(result->payload);
    if (!answer.arguments.empty()) answer.value = answer.arguments.front();
    complete(result->request, std::move(answer));
  } else if (const auto* invocation = std::get_if<wamp::Invocation>(&message)) {
    Invocation call{invocation->request, json::array(), json::object()};
    serializers::to_values(invocation->payload, call.arguments, call.keyword_arguments);
    invocations_.emplace_back(invocation->registration, std::move(call));
    gate_.need_turn_end();
  } else if (const auto* registered = std::get_if<wamp::Registered>(&message)) {
    registered_ = registered->registration;
  } else if (const auto* error = std::get_if<wamp::Error>(&message)) {
    Answer answer = answer_of(error->payload);
    answer.error = error->error;
    answer.message = text_of(answer.arguments);
    if (error->request_type == wamp::MessageType::register_) {
      log::error("realm \"{}\": {} {}", gate_.shard().realm().name(), answer.error, answer.message);
      return;
    }
    complete(error->request, std::move(answer));
  } else if (const auto* published = std::get_if<wamp::Published>(&message)) {
    Answer answer;
    answer.publication = published->publication;
    complete(published->request, std::move(answer));
  }
}

void Service::fail(wamp::RequestId request, std::string_view error, std::string_view message) {
  Answer answer;
  answer.error = error;
  answer.message = message;
  answer.arguments.push_back(answer.message);
  complete(request, std::move(answer));
}

void Service::complete(wamp::RequestId request, Answer answer) {
  if (!pending_.contains(request)) return;  // too late
  answers_.emplace_back(request, std::move(answer));
  gate_.need_turn_end();
}

bool Service::run_callbacks() {
  if (answers_.empty() && invocations_.empty()) return false;
  for (auto& [registration, invocation] : std::exchange(invocations_, {})) {
    const auto at = procedures_.find(registration);
    if (at != procedures_.end()) at->second(std::move(invocation));
  }
  for (auto& [request, answer] : std::exchange(answers_, {})) {
    const auto at = pending_.find(request);
    if (at == pending_.end()) continue;  // cancelled
    forget(at.value());
    const Callback callback = std::move(at.value().callback);
    pending_.erase(at);
    if (answer.error == wamp::kTimeout) cancel_at_callee(request);
    callback(std::move(answer));
  }
  return true;
}

}  // namespace crosspoint::connection
