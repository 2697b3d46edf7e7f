#include "gateway/mail_carrier.hpp"

#include <utility>

#include "base/log.hpp"
#include "base/timestamp.hpp"
#include "gateway/mail_message.hpp"
#include "gateway/node_calls.hpp"
#include "gateway/receivers_text.hpp"
#include "serializers/value.hpp"
#include "wamp/errors.hpp"

namespace crosspoint::gateway {
namespace {

constexpr auto kRetry = std::chrono::milliseconds(20);              // of sending to a connection that much waits for
constexpr auto kRetryElsewhere = std::chrono::milliseconds(100);    // the same on another node
constexpr auto kRetryUnanswered = std::chrono::milliseconds(1000);  // to a node that did not answer

}  // namespace

MailCarrier::MailCarrier(Hub& hub, base::IoThread& io, Mailboxes& mailboxes, std::chrono::seconds timeout,
                         std::unique_ptr<storage::MailboxWriter> writer)
    : hub_(hub), io_(io), mailboxes_(mailboxes), timeout_(timeout), writer_(std::move(writer)) {}

void MailCarrier::start(connection::Service& service, std::function<void(storage::MailboxWriter::News news)> on_news) {
  service_ = &service;
  if (!writer_) return;
  writer_->start([&io = io_, on_news = std::move(on_news)](storage::MailboxWriter::News news) {
    io.post([on_news, news = std::move(news)] { on_news(news); });
  });
}

void MailCarrier::store(std::function<void(const std::string& problem)> then) {
  auto changes = mailboxes_.take_changes();
  if (!writer_) {
    then(std::string());
    return work();
  }
  ++waiting_;
  writer_->write(std::move(changes), [this, &io = io_, then = std::move(then)](const std::string& problem) {
    io.post([this, problem, then] {
      --waiting_;
      then(problem);
      work();
    });
  });
}

void MailCarrier::work() {
  if (std::exchange(sending_, true)) return;  // whoever is at it goes on
  while (!is_over()) {
    const auto deliveries = mailboxes_.take_deliveries();
    if (deliveries.empty()) break;
    for (const auto& delivery : deliveries) send(delivery);
  }
  sending_ = false;
  auto changes = mailboxes_.take_changes();
  if (writer_ && !changes.empty()) writer_->write(std::move(changes), nullptr);
}

void MailCarrier::send(const Mailboxes::Delivery& delivery) {
  if (hub_.others() != nullptr && node_of(delivery.to, hub_.node()) != hub_.node()) return send_elsewhere(delivery);
  hand_over(delivery, [this, delivery](Handed handed) {
    if (handed == Handed::full) return send_again(delivery, kRetry);
    if (handed == Handed::unavailable) return send_again(delivery, kRetryUnanswered);
    sent(delivery, handed == Handed::taken);
  });
}

void MailCarrier::send_elsewhere(const Mailboxes::Delivery& delivery) {
  using Outcome = NodeCalls::Outcome;
  const nlohmann::json arguments{to_value(delivery.to), delivery.identity, delivery.id, to_value(*delivery.message),
                                 delivery.confirm};
  hub_.others()->ask(
      node_of(delivery.to, hub_.node()), "mail-deliver", arguments,
      [this, delivery](Outcome outcome, const nlohmann::json& value) {
        // Whether a node that is not there will come back is for others to say.
        if (outcome != Outcome::answered || value == static_cast<int>(Handed::unavailable)) {
          return send_again(delivery, kRetryUnanswered);
        }
        if (value == static_cast<int>(Handed::full)) return send_again(delivery, kRetryElsewhere);
        sent(delivery, value == static_cast<int>(Handed::taken));
      },
      timeout_ + NodeCalls::kAnswerTime);
}

void MailCarrier::send_again(const Mailboxes::Delivery& delivery, std::chrono::milliseconds delay) {
  io_.after(delay, [this, delivery] {
    if (!mailboxes_.has(delivery)) return;
    if (is_over()) return send_again(delivery, kRetryUnanswered);
    send(delivery);
  });
}

void MailCarrier::hand_over(const Mailboxes::Delivery& delivery, Then then) {
  if (delivery.to.kind == Receiver::Kind::procedure) {
    return send_to_procedure(delivery, delivery.to.name, std::move(then));
  }
  if (!delivery.to.via.empty()) return send_to_procedure(delivery, delivery.to.via, std::move(then));
  send_to_connection(delivery, std::move(then));
}

void MailCarrier::send_to_connection(const Mailboxes::Delivery& delivery, Then then) {
  const auto id = parse_connection_id(delivery.to.name);  // it is one: register_as has seen to that
  hub_.ask(
      io_, id->thread,
      [number = id->number, data = to_data(delivery)](HubPart& part) {
        const auto client = part.find(number);
        if (!client) return Sent::gone;
        return client->is_congested() ? Sent::full : client->send(data.kind, base::as_bytes(data.bytes));
      },
      [then = std::move(then)](Sent outcome) {
        then(outcome == Sent::full ? Handed::full : outcome == Sent::yes ? Handed::taken : Handed::refused);
      });
}

void MailCarrier::send_to_procedure(const Mailboxes::Delivery& delivery, const std::string& procedure, Then then) {
  nlohmann::json values{delivery.identity, delivery.id, to_value(*delivery.message)};
  if (delivery.to.kind == Receiver::Kind::connection) values.push_back(delivery.to.name);
  std::string arguments;
  serializers::append_value(wamp::Encoding::json, values, arguments);
  const bool clustered = hub_.others() != nullptr;  // the callee may be on a node that cannot be reached now
  service_->call(procedure, arguments, timeout_,
                 [identity = delivery.identity, name = delivery.to.name, clustered,
                  then = std::move(then)](const connection::Service::Answer& answer) {
                   if (clustered && answer.error == wamp::kUnavailable) return then(Handed::unavailable);
                   if (!answer.error.empty()) {
                     log::info("identity \"{}\": {} is no receiver any more: {} {}", identity, name, answer.error,
                               answer.message);
                   }
                   then(answer.error.empty() ? Handed::taken : Handed::refused);
                 });
}

void MailCarrier::sent(const Mailboxes::Delivery& delivery, bool taken) {
  mailboxes_.delivered(delivery.identity, delivery.member, delivery.id, taken, base::milliseconds_now());
  work();
}

}  // namespace crosspoint::gateway
