#include "gateway/mail_carrier.hpp"

#include <utility>

#include "base/log.hpp"
#include "base/timestamp.hpp"
#include "gateway/mail_message.hpp"
#include "serializers/value.hpp"

namespace crosspoint::gateway {
namespace {

constexpr auto kRetry = std::chrono::milliseconds(20);  // of sending to a connection that much waits for

}  // namespace

MailCarrier::MailCarrier(Hub& hub, base::IoThread& io, Mailboxes& mailboxes, std::chrono::seconds timeout,
                         std::unique_ptr<storage::MailboxWriter> writer)
    : hub_(hub), io_(io), mailboxes_(mailboxes), timeout_(timeout), writer_(std::move(writer)) {}

void MailCarrier::start(connection::Service& service) {
  service_ = &service;
  if (writer_) writer_->start();
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
  for (auto deliveries = mailboxes_.take_deliveries(); !deliveries.empty(); deliveries = mailboxes_.take_deliveries()) {
    for (const auto& delivery : deliveries) send(delivery);
  }
  sending_ = false;
  auto changes = mailboxes_.take_changes();
  if (writer_ && !changes.empty()) writer_->write(std::move(changes), nullptr);
}

void MailCarrier::send(const Mailboxes::Delivery& delivery) {
  if (delivery.to.kind == Receiver::Kind::procedure) return send_to_procedure(delivery, delivery.to.name);
  if (!delivery.to.via.empty()) return send_to_procedure(delivery, delivery.to.via);
  send_to_connection(delivery);
}

void MailCarrier::send_to_connection(const Mailboxes::Delivery& delivery) {
  const auto id = parse_connection_id(delivery.to.name);  // it is one: register_as has seen to that
  hub_.ask(
      io_, id->thread,
      [number = id->number, data = to_data(delivery)](HubPart& part) {
        const auto client = part.find(number);
        if (!client) return Sent::gone;
        return client->is_congested() ? Sent::full : client->send(data.kind, base::as_bytes(data.bytes));
      },
      [this, delivery](Sent outcome) {
        if (outcome != Sent::full) return sent(delivery, outcome == Sent::yes);
        io_.after(kRetry, [this, delivery] {
          if (mailboxes_.has(delivery)) send(delivery);
        });
      });
}

void MailCarrier::send_to_procedure(const Mailboxes::Delivery& delivery, const std::string& procedure) {
  nlohmann::json values{delivery.identity, delivery.id, to_value(*delivery.message)};
  if (delivery.to.kind == Receiver::Kind::connection) values.push_back(delivery.to.name);
  std::string arguments;
  serializers::append_value(wamp::Encoding::json, values, arguments);
  service_->call(procedure, arguments, timeout_, [this, delivery](const connection::Service::Answer& answer) {
    if (!answer.error.empty()) {
      log::info("identity \"{}\": {} is no receiver any more: {} {}", delivery.identity, delivery.to.name, answer.error,
                answer.message);
    }
    sent(delivery, answer.error.empty());
  });
}

void MailCarrier::sent(const Mailboxes::Delivery& delivery, bool taken) {
  mailboxes_.delivered(delivery.identity, delivery.member, delivery.id, taken, base::microseconds_now() / 1000);
  work();
}

}  // namespace crosspoint::gateway
