#include "gateway/mailbox_procedures.hpp"

#include <chrono>
#include <utility>

#include "base/log.hpp"
#include "base/timestamp.hpp"
#include "gateway/message_call.hpp"
#include "gateway/procedures.hpp"
#include "realm/role.hpp"
#include "serializers/value.hpp"
#include "wamp/errors.hpp"

namespace crosspoint::gateway {
namespace {

using nlohmann::json;
using storage::MailMessage;

constexpr std::size_t kMostWaiting = 10000;
constexpr auto kRetry = std::chrono::milliseconds(20);  // of sending to a connection that much waits for
constexpr auto kSweep = std::chrono::seconds(10);
constexpr std::uint64_t kLongestLifetime = 10UL * 365 * 24 * 3600;  // seconds
constexpr std::uint64_t kMostConnections = 1000;

std::int64_t now() { return base::microseconds_now() / 1000; }

json keyword(const json& keywords, const char* name) {
  const auto at = keywords.find(name);
  return at != keywords.end() ? *at : json();
}

storage::MailMessageRef to_message(const json& value) {
  auto data = to_data(value);
  if (!data) return nullptr;
  MailMessage message;
  if (data->kind == transports::DataKind::binary) message.kind = MailMessage::Kind::binary;
  if (!value.is_string() && !value.is_binary()) message.kind = MailMessage::Kind::json;
  message.bytes = std::move(data->bytes);
  return std::make_shared<const MailMessage>(std::move(message));
}

json to_value(const MailMessage& message) {
  switch (message.kind) {
    case MailMessage::Kind::binary:
      return json::binary({message.bytes.begin(), message.bytes.end()});
    case MailMessage::Kind::json:
      return json::parse(message.bytes, nullptr, false);
    default:
      return message.bytes;
  }
}

/// What a connection gets.
Data to_data(const Mailboxes::Delivery& delivery) {
  Data data;
  if (delivery.confirm) {
    const json envelope{{"identity", delivery.identity}, {"id", delivery.id}, {"message", to_value(*delivery.message)}};
    serializers::append_value(wamp::Encoding::json, envelope, data.bytes);
    return data;
  }
  if (delivery.message->kind == MailMessage::Kind::binary) data.kind = transports::DataKind::binary;
  data.bytes = delivery.message->bytes;
  return data;
}

/// A whole number from 1 to `most`, `fallback` if there is none. False if it is something else.
bool read_number(const json& value, std::uint64_t most, std::uint32_t fallback, std::uint32_t& out) {
  out = fallback;
  if (value.is_null()) return true;
  if (!value.is_number_unsigned() || value < 1U || value > most) return false;
  out = value.get<std::uint32_t>();
  return true;
}

}  // namespace

MailboxProcedures::MailboxProcedures(Hub& hub, connection::RealmGate& gate, MailboxOptions options)
    : hub_(hub),
      gate_(gate),
      io_(gate.io()),
      mailboxes_(options.limits),
      lifetime_(options.lifetime),
      timeout_(options.timeout),
      writer_(std::move(options.writer)) {
  mailboxes_.restore(std::move(options.stored), now());
}

bool MailboxProcedures::start() {
  service_ = &gate_.service(*gate_.shard().realm().find_role(realm::kTrustedRole));
  for (unsigned thread = 0; thread < hub_.parts(); ++thread) {
    hub_.part(thread).when_gone([this](const std::string& id) {
      io_.post([this, id] {
        mailboxes_.gone({Receiver::Kind::connection, id}, now());
        work();
      });
    });
  }
  if (writer_) writer_->start();
  io_.post([this] { sweep(); });
  const auto provide = [this](const char* name, void (MailboxProcedures::*handler)(const Call&)) {
    return service_->provide(std::string("crosspoint.gateway.") + name,
                             [this, handler](const Call& call) { (this->*handler)(call); });
  };
  return provide("register_as", &MailboxProcedures::register_as) &&
         provide("unregister", &MailboxProcedures::unregister) && provide("notify", &MailboxProcedures::notify) &&
         provide("confirm", &MailboxProcedures::confirm) && provide("identity", &MailboxProcedures::identity);
}

void MailboxProcedures::sweep() {
  mailboxes_.expire(now());
  work();
  io_.after(kSweep, [this] { sweep(); });
}

template <class Then>
void MailboxProcedures::store(Then then) {
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

void MailboxProcedures::work() {
  if (std::exchange(sending_, true)) return;  // whoever is at it goes on
  for (auto deliveries = mailboxes_.take_deliveries(); !deliveries.empty(); deliveries = mailboxes_.take_deliveries()) {
    for (const auto& delivery : deliveries) send(delivery);
  }
  sending_ = false;
  auto changes = mailboxes_.take_changes();
  if (writer_ && !changes.empty()) writer_->write(std::move(changes), [](const std::string&) {});
}

void MailboxProcedures::send(const Mailboxes::Delivery& delivery) {
  if (delivery.to.kind == Receiver::Kind::procedure) return send_to_procedure(delivery);
  send_to_connection(delivery);
}

void MailboxProcedures::send_to_connection(const Mailboxes::Delivery& delivery) {
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

void MailboxProcedures::send_to_procedure(const Mailboxes::Delivery& delivery) {
  std::string arguments;
  serializers::append_value(wamp::Encoding::json, {delivery.identity, delivery.id, to_value(*delivery.message)},
                            arguments);
  service_->call(delivery.to.name, arguments, timeout_, [this, delivery](const connection::Service::Answer& answer) {
    if (!answer.error.empty()) {
      log::info("identity \"{}\": {} is no receiver any more: {} {}", delivery.identity, delivery.to.name, answer.error,
                answer.message);
    }
    sent(delivery, answer.error.empty());
  });
}

void MailboxProcedures::sent(const Mailboxes::Delivery& delivery, bool taken) {
  mailboxes_.delivered(delivery.identity, delivery.member, delivery.id, taken, now());
  work();
}

std::optional<std::string> MailboxProcedures::identity_argument(const Call& call) {
  if (!call.arguments.empty() && call.arguments[0].is_string()) {
    const auto& identity = call.arguments[0].get_ref<const std::string&>();
    if (!identity.empty() && identity.size() <= kLongestIdentity) return identity;
  }
  service_->refuse(call.id, wamp::kInvalidArgument, "the first argument is an identity, a string of 1 to 256 bytes");
  return std::nullopt;
}

std::optional<Receiver> MailboxProcedures::receiver_argument(const Call& call) {
  const json connection = keyword(call.keyword_arguments, "connection");
  const json procedure = keyword(call.keyword_arguments, "procedure");
  if (connection.is_string() && procedure.is_null()) {
    return Receiver{Receiver::Kind::connection, connection.get<std::string>()};
  }
  if (procedure.is_string() && connection.is_null()) {
    return Receiver{Receiver::Kind::procedure, procedure.get<std::string>()};
  }
  service_->refuse(call.id, wamp::kInvalidArgument,
                   "either connection, the id of one, or procedure, a URI, says who receives");
  return std::nullopt;
}

std::optional<storage::MailboxRecord> MailboxProcedures::record_argument(const Call& call) {
  storage::MailboxRecord record;
  const json confirm = keyword(call.keyword_arguments, "confirm");
  if (!read_number(keyword(call.keyword_arguments, "lifetime"), kLongestLifetime, lifetime_, record.lifetime)) {
    service_->refuse(call.id, wamp::kInvalidArgument, "lifetime is a number of seconds, from 1 to ten years");
  } else if (!read_number(keyword(call.keyword_arguments, "max_connections"), kMostConnections, 1,
                          record.max_connections)) {
    service_->refuse(call.id, wamp::kInvalidArgument, "max_connections is a number from 1 to 1000");
  } else if (!confirm.is_null() && !confirm.is_boolean()) {
    service_->refuse(call.id, wamp::kInvalidArgument, "confirm is true or false");
  } else {
    record.confirm = confirm.is_boolean() && confirm.get<bool>();
    return record;
  }
  return std::nullopt;
}

bool MailboxProcedures::is_behind(const Call& call) {
  if (waiting_ < kMostWaiting) return false;
  service_->refuse(call.id, wamp::kUnavailable, "too much waits to be stored");
  return true;
}

void MailboxProcedures::refuse(const Call& call, Mailboxes::Refusal refusal) {
  switch (refusal) {
    case Mailboxes::Refusal::mailbox_full:
      return service_->refuse(call.id, kMailboxFull, "too many messages wait for this identity, or too large ones");
    case Mailboxes::Refusal::no_room:
      return service_->refuse(call.id, wamp::kUnavailable, "the mailboxes of this realm are full");
    case Mailboxes::Refusal::too_many_identities:
      return service_->refuse(call.id, wamp::kUnavailable, "this realm has too many identities");
    default:
      return service_->refuse(call.id, kNoSuchIdentity, "there is no such identity");
  }
}

void MailboxProcedures::register_as(const Call& call) {
  if (is_behind(call)) return;
  const auto identity = identity_argument(call);
  const auto receiver = identity ? receiver_argument(call) : std::nullopt;
  const auto record = receiver ? record_argument(call) : std::nullopt;
  if (!record) return;
  if (receiver->kind == Receiver::Kind::procedure) return enroll(call, *identity, *receiver, *record);
  const auto id = parse_connection_id(receiver->name);
  const auto gone = [this, number = call.id] {
    service_->refuse(number, kNoSuchConnection, "there is no such connection");
  };
  if (!id || id->node != hub_.node() || id->thread >= hub_.parts()) return gone();
  hub_.ask(
      io_, id->thread,
      [number = id->number](HubPart& part) {
        const auto client = part.find(number);
        return client != nullptr && client->port() != nullptr;
      },
      // If it leaves now, word of that comes behind this.
      [this, call, gone, identity = *identity, receiver = Receiver{receiver->kind, to_string(*id)},
       record = *record](bool there) {
        if (!there) return gone();
        enroll(call, identity, receiver, record);
      });
}

void MailboxProcedures::enroll(const Call& call, const std::string& identity, const Receiver& receiver,
                               const storage::MailboxRecord& record) {
  std::uint64_t member = 0;
  const auto refusal = mailboxes_.register_as(identity, receiver, record, now(), member);
  if (refusal != Mailboxes::Refusal::none) return refuse(call, refusal);
  store([this, number = call.id, identity, member](const std::string& problem) {
    Mailboxes::Description known;
    mailboxes_.registered(identity, member, problem.empty(), now());
    if (!problem.empty()) return service_->refuse(number, wamp::kUnavailable, problem);
    mailboxes_.describe(identity, now(), known);
    service_->yield(number, {{"connections", known.connections}, {"messages", known.messages}});
  });
}

void MailboxProcedures::unregister(const Call& call) {
  const auto identity = identity_argument(call);
  const auto receiver = identity ? receiver_argument(call) : std::nullopt;
  if (!receiver) return;
  service_->yield(call.id, mailboxes_.unregister(*identity, *receiver, now()));
  work();
}

void MailboxProcedures::notify(const Call& call) {
  if (is_behind(call)) return;
  const auto identity = identity_argument(call);
  if (!identity) return;
  auto message = call.arguments.size() == 2 ? to_message(call.arguments[1]) : nullptr;
  if (!message) {
    return service_->refuse(call.id, wamp::kInvalidArgument,
                            "the second argument is the message: UTF-8 text, bytes, or any value that can be JSON");
  }
  std::uint64_t id = 0;
  const auto refusal = mailboxes_.notify(*identity, std::move(message), now(), id);
  if (refusal == Mailboxes::Refusal::no_such_identity) {
    service_->yield(call.id, {{"exists", false}});
    return work();
  }
  if (refusal != Mailboxes::Refusal::none) return refuse(call, refusal);
  store([this, number = call.id, identity = *identity, id](const std::string& problem) {
    Mailboxes::Description known;
    mailboxes_.describe(identity, now(), known);
    mailboxes_.stored(identity, id, problem.empty());
    if (!problem.empty()) return service_->refuse(number, wamp::kUnavailable, problem);
    service_->yield(number, {{"exists", true}, {"id", id}, {"connections", known.connections}});
  });
}

void MailboxProcedures::confirm(const Call& call) {
  const auto identity = identity_argument(call);
  if (!identity) return;
  if (call.arguments.size() != 2 || !call.arguments[1].is_number_unsigned()) {
    return service_->refuse(call.id, wamp::kInvalidArgument, "the second argument is the id of a message");
  }
  if (mailboxes_.confirm(*identity, call.arguments[1].get<std::uint64_t>(), now())) {
    service_->yield(call.id, true);
  } else {
    refuse(call, Mailboxes::Refusal::no_such_identity);
  }
  work();
}

void MailboxProcedures::identity(const Call& call) {
  const auto identity = identity_argument(call);
  if (!identity) return;
  Mailboxes::Description known;
  if (!mailboxes_.describe(*identity, now(), known)) {
    service_->yield(call.id, nullptr);
    return work();
  }
  service_->yield(call.id, {{"connections", known.connections},
                            {"messages", known.messages},
                            {"bytes", known.bytes},
                            {"lifetime", known.record.lifetime},
                            {"max_connections", known.record.max_connections},
                            {"confirm", known.record.confirm}});
}

}  // namespace crosspoint::gateway
