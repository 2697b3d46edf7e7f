#include "gateway/mailbox_procedures.hpp"

#include <chrono>
#include <utility>

#include "base/timestamp.hpp"
#include "gateway/mail_arguments.hpp"
#include "gateway/mail_message.hpp"
#include "gateway/procedures.hpp"
#include "realm/role.hpp"
#include "wamp/errors.hpp"

namespace crosspoint::gateway {
namespace {

constexpr std::size_t kMostWaiting = 10000;
constexpr auto kSweep = std::chrono::seconds(10);

std::int64_t now() { return base::microseconds_now() / 1000; }

}  // namespace

MailboxProcedures::MailboxProcedures(Hub& hub, connection::RealmGate& gate, MailboxOptions options)
    : hub_(hub),
      gate_(gate),
      io_(gate.io()),
      mailboxes_(options.limits),
      lifetime_(options.lifetime),
      carrier_(hub, gate.io(), mailboxes_, std::chrono::seconds(options.timeout), std::move(options.writer)) {
  mailboxes_.restore(std::move(options.stored), now());
}

bool MailboxProcedures::start() {
  service_ = &gate_.service(*gate_.shard().realm().find_role(realm::kTrustedRole));
  for (unsigned thread = 0; thread < hub_.parts(); ++thread) {
    hub_.part(thread).when_gone([this](const std::string& id) {
      io_.post([this, id] {
        mailboxes_.gone({Receiver::Kind::connection, id, {}}, now());
        carrier_.work();
      });
    });
  }
  carrier_.start(*service_);
  io_.post([this] { sweep(); });
  return provide("register_as", &MailboxProcedures::register_as) &&
         provide("unregister", &MailboxProcedures::unregister) && provide("notify", &MailboxProcedures::notify) &&
         provide("confirm", &MailboxProcedures::confirm) && provide("identity", &MailboxProcedures::identity);
}

bool MailboxProcedures::provide(const char* name, Handler handler) {
  return service_->provide(std::string("crosspoint.gateway.") + name, [this, handler](const Call& call) {
    std::string problem;
    const auto identity = read_identity(call, problem);
    if (!identity) return invalid(call, problem);
    if (turns_.waiting() >= kMostWaiting) return refuse_more(call);
    turns_.run(*identity, [this, handler, call, identity = *identity] { (this->*handler)(call, identity); });
  });
}

void MailboxProcedures::sweep() {
  mailboxes_.expire(now());
  carrier_.work();
  io_.after(kSweep, [this] { sweep(); });
}

void MailboxProcedures::invalid(const Call& call, std::string_view problem) {
  service_->refuse(call.id, wamp::kInvalidArgument, problem);
}

void MailboxProcedures::refuse_more(const Call& call) {
  service_->refuse(call.id, wamp::kUnavailable, "too much waits to be stored");
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

void MailboxProcedures::register_as(const Call& call, const std::string& identity) {
  if (carrier_.waiting() >= kMostWaiting) return refuse_more(call);
  std::string problem;
  const auto receiver = read_receiver(call, problem);
  const auto record = receiver ? read_record(call, lifetime_, problem) : std::nullopt;
  if (!record) return invalid(call, problem);
  turns_.begin(identity);
  if (receiver->kind == Receiver::Kind::procedure) return enroll(call, identity, *receiver, *record);
  const auto id = parse_connection_id(receiver->name);
  if (id && id->node == hub_.node() && id->thread < hub_.parts()) {
    return find_connection(call, identity, {receiver->kind, to_string(*id), receiver->via}, *id, *record);
  }
  service_->refuse(call.id, kNoSuchConnection, "there is no such connection");
  turns_.end(identity);
}

void MailboxProcedures::find_connection(const Call& call, const std::string& identity, const Receiver& receiver,
                                        const ConnectionId& id, const storage::MailboxRecord& record) {
  hub_.ask(
      io_, id.thread,
      [number = id.number](HubPart& part) {
        const auto client = part.find(number);
        return client != nullptr && client->port() != nullptr;
      },
      // If it leaves now, word of that comes behind this.
      [this, call, identity, receiver, record](bool there) {
        if (there) return enroll(call, identity, receiver, record);
        service_->refuse(call.id, kNoSuchConnection, "there is no such connection");
        turns_.end(identity);
      });
}

void MailboxProcedures::enroll(const Call& call, const std::string& identity, const Receiver& receiver,
                               const storage::MailboxRecord& record) {
  std::uint64_t member = 0;
  const auto refusal = mailboxes_.register_as(identity, receiver, record, now(), member);
  if (refusal != Mailboxes::Refusal::none) {
    refuse(call, refusal);
    return turns_.end(identity);
  }
  carrier_.store([this, number = call.id, identity, member](const std::string& problem) {
    Mailboxes::Description known;
    mailboxes_.registered(identity, member, problem.empty(), now());
    mailboxes_.describe(identity, now(), known);
    if (problem.empty()) {
      service_->yield(number, {{"connections", known.connections}, {"messages", known.messages}});
    } else {
      service_->refuse(number, wamp::kUnavailable, problem);
    }
    turns_.end(identity);
  });
}

void MailboxProcedures::unregister(const Call& call, const std::string& identity) {
  std::string problem;
  const auto receiver = read_receiver(call, problem);
  if (!receiver) return invalid(call, problem);
  service_->yield(call.id, mailboxes_.unregister(identity, *receiver, now()));
  carrier_.work();
}

void MailboxProcedures::notify(const Call& call, const std::string& identity) {
  if (carrier_.waiting() >= kMostWaiting) return refuse_more(call);
  auto message = call.arguments.size() == 2 ? to_mail(call.arguments[1]) : nullptr;
  if (!message) {
    return invalid(call, "the second argument is the message: UTF-8 text, bytes, or any value that can be JSON");
  }
  std::uint64_t id = 0;
  const auto refusal = mailboxes_.notify(identity, std::move(message), now(), id);
  if (refusal == Mailboxes::Refusal::no_such_identity) {
    service_->yield(call.id, {{"exists", false}});
    return carrier_.work();
  }
  if (refusal != Mailboxes::Refusal::none) return refuse(call, refusal);
  carrier_.store([this, number = call.id, identity, id](const std::string& problem) {
    Mailboxes::Description known;
    mailboxes_.describe(identity, now(), known);
    mailboxes_.stored(identity, id, problem.empty());
    if (!problem.empty()) return service_->refuse(number, wamp::kUnavailable, problem);
    service_->yield(number, {{"exists", true}, {"id", id}, {"connections", known.connections}});
  });
}

void MailboxProcedures::confirm(const Call& call, const std::string& identity) {
  if (call.arguments.size() != 2 || !call.arguments[1].is_number_unsigned()) {
    return invalid(call, "the second argument is the id of a message");
  }
  if (mailboxes_.confirm(identity, call.arguments[1].get<std::uint64_t>(), now())) {
    service_->yield(call.id, true);
  } else {
    refuse(call, Mailboxes::Refusal::no_such_identity);
  }
  carrier_.work();
}

void MailboxProcedures::identity(const Call& call, const std::string& identity) {
  Mailboxes::Description known;
  if (!mailboxes_.describe(identity, now(), known)) {
    service_->yield(call.id, nullptr);
    return carrier_.work();
  }
  service_->yield(call.id, {{"connections", known.connections},
                            {"messages", known.messages},
                            {"bytes", known.bytes},
                            {"lifetime", known.record.lifetime},
                            {"max_connections", known.record.max_connections},
                            {"confirm", known.record.confirm}});
}

}  // namespace crosspoint::gateway
