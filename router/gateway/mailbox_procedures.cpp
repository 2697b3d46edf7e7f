#include "gateway/mailbox_procedures.hpp"

#include <chrono>
#include <utility>

#include "base/log.hpp"
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

}  // namespace

MailboxProcedures::MailboxProcedures(Hub& hub, connection::RealmGate& gate, MailboxOptions options)
    : hub_(hub),
      gate_(gate),
      io_(gate.io()),
      mailboxes_(options.limits, options.shared),
      lifetime_(options.lifetime),
      shared_(options.shared),
      carrier_(hub, gate.io(), mailboxes_, std::chrono::seconds(options.timeout), std::move(options.writer)) {
  mailboxes_.restore(std::move(options.stored), base::milliseconds_now());
  if (!shared_) return;
  carrier_.deliver_until({});
  elsewhere_ = std::make_unique<MailboxesElsewhere>(hub, io_, carrier_);
  hub.others()->provide("mail", [this](const NodeCalls::Request& request) { take_in(request); });
  hub.others()->provide("mail-gone", [this](const NodeCalls::Request& request) {
    if (request.arguments.size() == 1 && request.arguments[0].is_string()) {
      connection_gone(request.arguments[0].get<std::string>());
    }
    this->hub_.others()->answer(request, nlohmann::json());
  });
  hub.others()->when_gone([this](const std::string&) { look_for_receivers(); });
}

bool MailboxProcedures::start() {
  service_ = &gate_.service(*gate_.shard().realm().find_role(realm::kTrustedRole));
  for (unsigned thread = 0; thread < hub_.parts(); ++thread) {
    hub_.part(thread).when_gone([this](const std::string& id) {
      io_.post([this, id] {
        if (elsewhere_) elsewhere_->tell_gone(id);
        connection_gone(id);
      });
    });
  }
  carrier_.start(*service_, [this](const storage::MailboxWriter::News& news) { take_news(news); });
  io_.post([this] { sweep(); });
  return provide("register_as", &MailboxProcedures::register_as) &&
         provide("unregister", &MailboxProcedures::unregister) && provide("notify", &MailboxProcedures::notify) &&
         provide("confirm", &MailboxProcedures::confirm) && provide("identity", &MailboxProcedures::identity);
}

void MailboxProcedures::connection_gone(const std::string& id) {
  if (!keeps()) return;
  mailboxes_.gone({Receiver::Kind::connection, id, {}}, base::milliseconds_now());
  carrier_.work();
}

bool MailboxProcedures::provide(const char* name, Handler handler) {
  handlers_.emplace(name, handler);
  return service_->provide(std::string("crosspoint.gateway.") + name,
                           [this, name, handler](const connection::Service::Invocation& invocation) {
                             const Call call{invocation, {}};
                             if (!keeps()) return pass_on(name, call);
                             run(handler, call);
                           });
}

void MailboxProcedures::run(Handler handler, const Call& call) {
  std::string problem;
  const auto identity = read_identity(call, problem);
  if (!identity) return invalid(call, problem);
  if (turns_.waiting() >= kMostWaiting) return refuse_more(call);
  turns_.run(*identity, [this, handler, call, identity = *identity] { (this->*handler)(call, identity); });
}

void MailboxProcedures::sweep() {
  if (keeps()) {
    mailboxes_.expire(base::milliseconds_now());
    carrier_.work();
    look_for_receivers();
  }
  io_.after(kSweep, [this] { sweep(); });
}

void MailboxProcedures::yield(const Asker& asker, const nlohmann::json& value) {
  if (asker.node.empty()) return service_->yield(asker.id, value);
  hub_.others()->answer({asker.node, asker.id, {}}, nlohmann::json::array({value}));
}

void MailboxProcedures::refuse(const Asker& asker, std::string_view error, std::string_view text) {
  if (asker.node.empty()) return service_->refuse(asker.id, error, text);
  hub_.others()->answer({asker.node, asker.id, {}}, nlohmann::json::array({error, text}));
}

void MailboxProcedures::invalid(const Call& call, std::string_view problem) {
  refuse(call.asker(), wamp::kInvalidArgument, problem);
}

void MailboxProcedures::refuse_more(const Call& call) {
  refuse(call.asker(), wamp::kUnavailable, "too much waits to be stored");
}

void MailboxProcedures::refuse(const Call& call, Mailboxes::Refusal refusal) {
  switch (refusal) {
    case Mailboxes::Refusal::mailbox_full:
      return refuse(call.asker(), kMailboxFull, "too many messages wait for this identity, or too large ones");
    case Mailboxes::Refusal::no_room:
      return refuse(call.asker(), wamp::kUnavailable, "the mailboxes of this realm are full");
    case Mailboxes::Refusal::too_many_identities:
      return refuse(call.asker(), wamp::kUnavailable, "this realm has too many identities");
    default:
      return refuse(call.asker(), kNoSuchIdentity, "there is no such identity");
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
  const bool own = id && id->node == hub_.node() && id->thread < hub_.parts();
  if (own || (id && shared_ && id->node != hub_.node())) {
    return find_connection(call, identity, {receiver->kind, to_string(*id), receiver->via}, *id, *record);
  }
  refuse(call.asker(), kNoSuchConnection, "there is no such connection");
  turns_.end(identity);
}

void MailboxProcedures::find_connection(const Call& call, const std::string& identity, const Receiver& receiver,
                                        const ConnectionId& id, const storage::MailboxRecord& record) {
  // If it leaves now, word of that comes behind this.
  const auto found = [this, call, identity, receiver, record](bool there) {
    if (there) return enroll(call, identity, receiver, record);
    refuse(call.asker(), kNoSuchConnection, "there is no such connection");
    turns_.end(identity);
  };
  if (id.node != hub_.node()) {
    using Outcome = NodeCalls::Outcome;
    return elsewhere_->find_missing(
        id.node, {receiver.name},
        [this, call, identity, found](Outcome outcome, const std::vector<std::string>& missing) {
          if (outcome != Outcome::unavailable) return found(outcome == Outcome::answered && missing.empty());
          refuse(call.asker(), wamp::kUnavailable, "the node of this connection does not answer");
          turns_.end(identity);
        });
  }
  hub_.ask(
      io_, id.thread,
      [number = id.number](HubPart& part) {
        const auto client = part.find(number);
        return client != nullptr && client->port() != nullptr;
      },
      found);
}

void MailboxProcedures::enroll(const Call& call, const std::string& identity, const Receiver& receiver,
                               const storage::MailboxRecord& record) {
  std::uint64_t member = 0;
  const auto refusal = mailboxes_.register_as(identity, receiver, record, base::milliseconds_now(), member);
  if (refusal != Mailboxes::Refusal::none) {
    refuse(call, refusal);
    return turns_.end(identity);
  }
  carrier_.store([this, asker = call.asker(), identity, member](const std::string& problem) {
    Mailboxes::Description known;
    mailboxes_.registered(identity, member, problem.empty(), base::milliseconds_now());
    mailboxes_.describe(identity, base::milliseconds_now(), known);
    if (problem.empty()) {
      yield(asker, {{"connections", known.connections}, {"messages", known.messages}});
    } else {
      refuse(asker, wamp::kUnavailable, problem);
    }
    turns_.end(identity);
  });
}

void MailboxProcedures::unregister(const Call& call, const std::string& identity) {
  std::string problem;
  const auto receiver = read_receiver(call, problem);
  if (!receiver) return invalid(call, problem);
  yield(call.asker(), mailboxes_.unregister(identity, *receiver, base::milliseconds_now()));
  carrier_.work();
}

void MailboxProcedures::notify(const Call& call, const std::string& identity) {
  if (carrier_.waiting() >= kMostWaiting) return refuse_more(call);
  auto message = call.arguments.size() == 2 ? to_mail(call.arguments[1]) : nullptr;
  if (!message) {
    return invalid(call, "the second argument is the message: UTF-8 text, bytes, or any value that can be JSON");
  }
  std::uint64_t id = 0;
  const auto refusal = mailboxes_.notify(identity, std::move(message), base::milliseconds_now(), id);
  if (refusal == Mailboxes::Refusal::no_such_identity) {
    yield(call.asker(), {{"exists", false}});
    return carrier_.work();
  }
  if (refusal != Mailboxes::Refusal::none) return refuse(call, refusal);
  carrier_.store([this, asker = call.asker(), identity, id](const std::string& problem) {
    Mailboxes::Description known;
    mailboxes_.describe(identity, base::milliseconds_now(), known);
    mailboxes_.stored(identity, id, problem.empty());
    if (!problem.empty()) return refuse(asker, wamp::kUnavailable, problem);
    yield(asker, {{"exists", true}, {"id", id}, {"connections", known.connections}});
  });
}

void MailboxProcedures::confirm(const Call& call, const std::string& identity) {
  if (call.arguments.size() != 2 || !call.arguments[1].is_number_unsigned()) {
    return invalid(call, "the second argument is the id of a message");
  }
  if (mailboxes_.confirm(identity, call.arguments[1].get<std::uint64_t>(), base::milliseconds_now())) {
    yield(call.asker(), true);
  } else {
    refuse(call, Mailboxes::Refusal::no_such_identity);
  }
  carrier_.work();
}

void MailboxProcedures::identity(const Call& call, const std::string& identity) {
  Mailboxes::Description known;
  if (!mailboxes_.describe(identity, base::milliseconds_now(), known)) {
    yield(call.asker(), nullptr);
    return carrier_.work();
  }
  yield(call.asker(), {{"connections", known.connections},
                       {"messages", known.messages},
                       {"bytes", known.bytes},
                       {"lifetime", known.record.lifetime},
                       {"max_connections", known.record.max_connections},
                       {"confirm", known.record.confirm}});
}

}  // namespace crosspoint::gateway
