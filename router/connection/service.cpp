#include "connection/service.hpp"

#include <fmt/core.h>

#include <utility>

#include "connection/realm_gate.hpp"
#include "serializers/value.hpp"
#include "wamp/errors.hpp"

namespace crosspoint::connection {
namespace {

using nlohmann::json;

json first_argument(const wamp::Payload& payload) {
  json arguments;
  json keywords;
  if (!serializers::to_values(payload, arguments, keywords) || arguments.empty()) return {};
  return std::move(arguments.front());
}

}  // namespace

Service::Service(RealmGate& gate, const realm::Role& role)
    : gate_(gate), session_(gate.shard().join_internal(*this, role)) {}

Service::~Service() {
  for (auto at = pending_.begin(); at != pending_.end(); ++at) gate_.io().cancel(at.value().timer);
}

wamp::RequestId Service::call(std::string_view procedure, std::string_view arguments, std::chrono::seconds timeout,
                              Callback callback) {
  const wamp::RequestId request = ++last_request_;
  Pending pending{std::move(callback), {}};
  pending.timer = gate_.io().after(timeout, [this, request, timeout] {
    complete(request, {std::string(wamp::kTimeout), fmt::format("no answer within {} s", timeout.count()), {}});
  });
  pending_.emplace(request, std::move(pending));
  wamp::Call message;
  message.request = request;
  message.procedure = procedure;
  message.payload = wamp::Payload::from_json(arguments, 1);
  gate_.shard().receive(session_, message, gate_.outbox());
  gate_.deliver();
  return request;
}

void Service::cancel(wamp::RequestId call) {
  const auto at = pending_.find(call);
  if (at == pending_.end()) return;
  gate_.io().cancel(at.value().timer);
  pending_.erase(at);
}

void Service::receive(const wamp::Message& message) {
  if (const auto* result = std::get_if<wamp::Result>(&message)) {
    complete(result->request, {{}, {}, first_argument(result->payload)});
  } else if (const auto* error = std::get_if<wamp::Error>(&message)) {
    const json argument = first_argument(error->payload);
    std::string text = argument.is_null()     ? std::string()
                       : argument.is_string() ? argument.get<std::string>()
                                              : argument.dump();
    complete(error->request, {std::string(error->error), std::move(text), {}});
  }
}

void Service::complete(wamp::RequestId request, Answer answer) {
  if (!pending_.contains(request)) return;  // too late
  answers_.emplace_back(request, std::move(answer));
  gate_.need_turn_end();
}

bool Service::run_callbacks() {
  if (answers_.empty()) return false;
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
