#include "gateway/client.hpp"

#include <fmt/chrono.h>

#include <utility>

#include "base/log.hpp"
#include "gateway/hub.hpp"
#include "wamp/errors.hpp"

namespace crosspoint::gateway {
namespace {

using nlohmann::json;
using transports::DataKind;
using Kind = QueuedCall::Kind;

constexpr std::uint16_t kGoingAway = 1001;
constexpr std::uint16_t kUnsupportedData = 1003;
constexpr std::uint16_t kInvalidPayload = 1007;
constexpr std::uint16_t kNoCloseFrame = 1006;

const char* name_of(Kind kind) {
  switch (kind) {
    case Kind::open:
      return "open";
    case Kind::message:
      return "message";
    case Kind::shutdown:
      return "shutdown";
    default:
      return "disconnect";
  }
}

json details_of(const transports::CloseStatus& status) {
  return {{"code", status.code}, {"reason", status.reason}, {"clean", status.code != kNoCloseFrame}};
}

}  // namespace

/// What the connection's protocol owns.
class Client::Handler final : public transports::PlainHandler {
 public:
  explicit Handler(std::shared_ptr<Client> client) : client_(std::move(client)) {}
  void on_data(DataKind kind, std::span<const std::uint8_t> message) override {
    client_->on_data(kind, base::as_text(message));
  }
  void on_drained() override { client_->on_drained(); }
  void on_closed(std::string_view reason) override { client_->on_closed(reason); }

 private:
  std::shared_ptr<Client> client_;
};

Client::Client(HubPart& part, const Route& route, std::uint64_t number, std::string peer_address)
    : part_(part),
      route_(route),
      counters_(part.counters(route)),
      number_(number),
      id_(part.id_of(number)),
      peer_address_(std::move(peer_address)),
      introduction_(identity()),
      queue_(route.settings.max_calls) {
  part_.count_up();
}

Client::~Client() { part_.count_down(); }

json Client::identity() const {
  json identity{{"id", id_}, {"route", route_.settings.route}};
  if (!principal_.is_null()) identity["principal"] = principal_;
  return identity;
}

json Client::describe() const {
  json details = identity();
  details["peer"] = peer_address_;
  details["since"] =
      fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::time_point_cast<std::chrono::seconds>(since_)));
  details["messages"] = {{"received", received_}, {"sent", sent_}, {"dropped", dropped_}};
  details["queued_bytes"] = port_ != nullptr ? port_->queued() : 0;
  return details;
}

std::unique_ptr<transports::PlainHandler> Client::open(transports::PlainPort& port, json principal) {
  principal_ = std::move(principal);
  if (!principal_.is_null()) introduction_ = Introduction(identity());
  port_ = &port;
  part_.add(shared_from_this());
  ++counters_.opened;
  log::debug("route \"{}\": {} is connection {}", route_.settings.route, peer_address_, id_);
  part_.announce("on_open", "[" + introduction_.json + "]");
  if (!route_.settings.procedures.open.empty()) queue_.push({Kind::open, {}, {}});
  pump();
  return std::make_unique<Handler>(shared_from_this());
}

void Client::abandon(std::string_view reason) { leave({kNoCloseFrame, std::string(reason)}); }

void Client::on_data(DataKind kind, std::string_view message) {
  if (shutting_down_) return;
  ++received_;
  ++counters_.received;
  if (queue_.begin_message()) return make_message(kind, message);
  queue_.push({Kind::message, kind, std::string(message)});
  update_reading();
}

void Client::on_closed(std::string_view reason) {
  transports::CloseStatus status = port_->close_status();
  if (status.code == kNoCloseFrame) status.reason = reason;
  port_ = nullptr;
  part_.remove(number_);
  log::debug("route \"{}\": connection {} is gone: {}; {} messages received, {} sent, {} dropped",
             route_.settings.route, id_, reason, received_, sent_, dropped_);
  leave(std::move(status));
  part_.announce("on_close", arguments_with(details_of(status_)));
}

void Client::leave(transports::CloseStatus status) {
  status_ = std::move(status);
  if (queue_.waiting()) {
    // What it said last is still heard, but nobody may make the router keep it for ever.
    part_.io().after(std::chrono::seconds(route_.settings.timeout), [weak = weak_from_this()] {
      if (const auto client = weak.lock()) client->queue_.drop_messages();
    });
  }
  if (!route_.settings.procedures.disconnect.empty()) queue_.push({Kind::disconnect, {}, {}});
  pump();
}

void Client::pump() {
  while (auto call = queue_.next()) make(*call);
  update_reading();
}

void Client::make(const QueuedCall& call) {
  const auto& procedures = route_.settings.procedures;
  switch (call.kind) {
    case Kind::message:
      return make_message(call.data, call.bytes);
    case Kind::open:
      return make_call(call.kind, procedures.open, nullptr);
    case Kind::shutdown:
      return make_call(call.kind, procedures.shutdown, nullptr);
    case Kind::disconnect:
      return make_call(call.kind, procedures.disconnect, details_of(status_));
  }
}

std::string Client::arguments_with(const json& more) const {
  std::string arguments = "[" + introduction_.json;
  if (!more.is_null()) arguments += "," + more.dump(-1, ' ', false, json::error_handler_t::replace);
  return arguments + "]";
}

void Client::make_call(Kind kind, const std::string& procedure, const json& more) {
  part_.service(route_).call(
      procedure, arguments_with(more), std::chrono::seconds(route_.settings.timeout),
      [self = shared_from_this(), kind](const connection::Service::Answer& answer) { self->answered(kind, answer); });
}

void Client::make_message(DataKind kind, std::string_view message) {
  auto call = call_for(route_.settings, introduction_, kind, message, part_.buffer());
  if (!call) {
    queue_.done();
    if (port_ == nullptr || !port_->is_open()) return;
    log::info("route \"{}\": connection {} sent a message that is not JSON", route_.settings.route, id_);
    const bool text = kind == DataKind::text;
    return port_->close(text ? kInvalidPayload : kUnsupportedData, "messages must be JSON");
  }
  auto callback = [self = shared_from_this()](const connection::Service::Answer& answer) {
    self->answered(Kind::message, answer);
  };
  const auto timeout = std::chrono::seconds(route_.settings.timeout);
  if (!call->dispatched) {
    part_.service(route_).call(call->procedure, std::move(call->arguments), timeout, std::move(callback));
    return;
  }
  part_.service(route_).call(
      call->procedure, std::move(call->arguments), timeout,
      [self = shared_from_this(), kept = std::string(message)](const connection::Service::Answer& answer) {
        const bool nobody = answer.error == wamp::kNoSuchProcedure || answer.error == wamp::kInvalidUri;
        if (nobody) return self->make_default(kept);
        self->answered(Kind::message, answer);
      });
}

void Client::make_default(std::string message) {
  MessageCall call = default_call(route_.settings, introduction_, message, part_.buffer());
  part_.service(route_).call(call.procedure, std::move(call.arguments), std::chrono::seconds(route_.settings.timeout),
                             [self = shared_from_this()](const connection::Service::Answer& answer) {
                               self->answered(Kind::message, answer);
                             });
}

void Client::answered(Kind kind, const connection::Service::Answer& answer) {
  queue_.done();
  if (!answer.error.empty()) {
    part_.failed(route_, fmt::format("{} of connection {}", name_of(kind), id_), answer);
  } else {
    part_.succeeded(route_);
    if (kind != Kind::disconnect) reply(answer.value);
  }
  if (kind == Kind::shutdown) close(kGoingAway, "the router is shutting down");
  pump();
}

void Client::reply(const json& value) {
  if (value.is_null()) return;
  const auto data = to_data(value);
  if (!data) {
    log::warn("route \"{}\": an answer for connection {} is a string that is not UTF-8, and is left out",
              route_.settings.route, id_);
    return;
  }
  send(data->kind, base::as_bytes(data->bytes));
}

bool Client::has_room() {
  const settings::QueueOptions& limits = route_.settings.options.queue;
  if (port_->queued() < limits.max_queued_bytes) return true;
  ++counters_.dropped;
  if (dropped_++ == 0) {
    log::warn("connection {} reads too slowly: more than {} bytes wait for it; messages for it are dropped from now on",
              id_, limits.max_queued_bytes);
  }
  if (limits.slow_receiver == settings::SlowReceiver::disconnect && !std::exchange(doomed_, true)) {
    // Not at once: whoever sends may be going through all connections.
    part_.io().post([weak = weak_from_this()] {
      const auto client = weak.lock();
      if (client && client->port_ != nullptr) client->port_->drop("the connection reads too slowly");
    });
  }
  return false;
}

Sent Client::send(DataKind kind, base::Bytes message) {
  if (port_ == nullptr || !port_->is_open()) return Sent::gone;
  if (!has_room()) return Sent::full;
  port_->send(kind, message);
  ++sent_;
  ++counters_.sent;
  check_queue();
  return Sent::yes;
}

Sent Client::send(const transports::SharedFrame& frame) {
  if (port_ == nullptr || !port_->is_open()) return Sent::gone;
  if (!has_room()) return Sent::full;
  port_->send(frame);
  ++sent_;
  ++counters_.sent;
  check_queue();
  return Sent::yes;
}

bool Client::close(std::uint16_t code, std::string_view reason) {
  if (port_ == nullptr || !port_->is_open()) return false;
  port_->close(code, reason);
  return true;
}

void Client::shut_down() {
  if (port_ == nullptr || std::exchange(shutting_down_, true)) return;
  if (route_.settings.procedures.shutdown.empty()) {
    close(kGoingAway, "the router is shutting down");
    return;
  }
  queue_.push({Kind::shutdown, {}, {}});
  pump();
}

bool Client::is_congested() const {
  return port_ != nullptr && port_->queued() >= route_.settings.options.queue.max_queued_bytes / 2;
}

void Client::check_queue() {
  if (queue_is_long_ || !is_congested()) return;
  queue_is_long_ = true;
  update_reading();
}

void Client::on_drained() {
  if (!std::exchange(queue_is_long_, false)) return;
  update_reading();
}

void Client::update_reading() {
  if (port_ == nullptr) return;
  if (queue_is_long_ || queue_.waiting()) {
    port_->pause();
  } else {
    port_->resume();
  }
}

}  // namespace crosspoint::gateway
