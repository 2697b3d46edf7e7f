#include "realm/shard.hpp"

#include "realm/meta_events.hpp"
#include "realm/realm.hpp"
#include "realm/shared_history.hpp"

namespace crosspoint::realm {
namespace {

template <class... Handlers>
struct Overloaded : Handlers... {
  using Handlers::operator()...;
};
template <class... Handlers>
Overloaded(Handlers...) -> Overloaded<Handlers...>;  // clang 14 does not deduce it by itself

}  // namespace

Shard::Shard(Realm& realm, unsigned index, base::Random random)
    : realm_(realm),
      random_(random),
      sessions_(index),
      context_{index, realm.name(), realm.options(), realm.directory(), random_, decisions_},
      broker_(context_),
      meta_(context_, sessions_, broker_,
            [this](const auto& registration, const SessionKey& callee, wamp::SessionId session, std::string_view reason,
                   Outbox& out) { return dealer_.remove_callee(registration, callee, session, reason, out); }),
      dealer_(context_, sessions_, meta_) {}

Session& Shard::join_internal(Peer& peer, const Role& role) {
  Session& session = sessions_.add();
  auto identity = std::make_shared<Identity>();
  identity->session = wamp::random_id(random_);
  identity->authid = "router";
  identity->authrole = role.name();
  session.id = identity->session;
  session.identity = std::move(identity);
  session.role = &role;
  session.peer = &peer;
  session.internal = true;
  return session;
}

Session* Shard::join(Peer& peer, std::shared_ptr<const Identity> identity, const Role& role,
                     const Announced& announced) {
  Session& session = sessions_.add();
  session.id = identity->session;
  session.identity = std::move(identity);
  session.role = &role;
  session.peer = &peer;
  session.announced = announced;
  if (realm_.directory().sessions.add(session.id, {session.key, session.identity})) return &session;
  sessions_.remove(session);
  return nullptr;
}

void Shard::leave(Session& session, Outbox& out) {
  broker_.publish_testaments(session, out);
  broker_.leave(session);
  dealer_.leave(session, out);
  if (session.announced_join) {
    context_.report(MetaTopic::session_on_leave, [&] { return leave_arguments(*session.identity); });
  }
  if (!session.internal) realm_.directory().sessions.remove(session.id);
  sessions_.remove(session);
  broker_.publish_reports(out);
}

void Shard::announce(Session& session, Outbox& out) {
  if (!realm_.options().meta_api) return;
  session.announced_join = true;
  context_.report(MetaTopic::session_on_join,
                  [&] { return wamp::Payload::from_json("[" + session.peer->describe(*session.identity) + "]", 1); });
  broker_.publish_reports(out);
}

std::string_view Shard::receive(Session& session, const wamp::Message& message, Outbox& out) {
  constexpr std::string_view kGood;
  context_.question.reset();
  context_.catching_up = false;
  const std::string_view problem = std::visit(
      Overloaded{
          [&](const wamp::Publish& m) { return broker_.publish(session, m, out), kGood; },
          [&](const wamp::Subscribe& m) { return broker_.subscribe(session, m, out), kGood; },
          [&](const wamp::Unsubscribe& m) { return broker_.unsubscribe(session, m, out), kGood; },
          [&](const wamp::Call& m) {
            return dealer_.call(session, m, out) ? kGood
                                                 : "CALL with the request id of a call that is not answered yet";
          },
          [&](const wamp::Cancel& m) { return dealer_.cancel(session, m, out), kGood; },
          [&](const wamp::Register& m) { return dealer_.register_(session, m, out), kGood; },
          [&](const wamp::Unregister& m) { return dealer_.unregister(session, m, out), kGood; },
          [&](const wamp::Yield& m) {
            return dealer_.yield(session, m, out) ? kGood : "YIELD for an invocation that was never made";
          },
          [&](const wamp::Error& m) {
            if (m.request_type != wamp::MessageType::invocation) {
              return std::string_view("a client sends ERROR only for INVOCATION");
            }
            return dealer_.invocation_error(session, m, out) ? kGood : "ERROR for an invocation that was never made";
          },
          [](const wamp::Hello&) { return std::string_view("HELLO in an established session"); },
          [](const auto&) { return std::string_view("a message that clients do not send in an established session"); },
      },
      message);
  if (!context_.reports.empty()) broker_.publish_reports(out);
  return problem;
}

void Shard::deliver(const ShardMessage& message, Outbox& out) {
  std::visit(Overloaded{
                 [&](const PublicationRef& publication) { broker_.deliver(publication, out); },
                 [&](const PlacedPublication& placed) { broker_.deliver(placed, out); },
                 [&](const MetaEvent& event) { broker_.deliver(event, out); },
                 [&](const StoredPublication& stored) {
                   if (Session* publisher = sessions_.find(stored.publisher)) {
                     Broker::acknowledge(*publisher, stored, out);
                   }
                 },
                 [&](const SubscriptionReady& ready) { broker_.deliver(ready, out); },
                 [&](const RemoteKill& kill) {
                   out.end_session({kill.session, kill.reason, kill.message});
                 },
                 [&](const SessionQuery& query) { meta_.deliver(query, out); },
                 [&](const SessionAnswer& answer) { meta_.deliver(answer, out); },
                 [&](const MembersQuery& query) { meta_.deliver(query, out); },
                 [&](const MembersAnswer& answer) { meta_.deliver(answer, out); },
                 [&](const RemoteUnsubscribe& order) { meta_.deliver(order, out); },
                 [&](const UnsubscribeAnswer& answer) { meta_.deliver(answer, out); },
                 [&](const NodeQuestion& question) { meta_.deliver(question, out); },
                 [&](const NodeAnswers& answers) { meta_.deliver(answers, out); },
                 [&](const HistoryAnswerRef& answer) { meta_.deliver(*answer, out); },
                 [&](const auto& other) { dealer_.deliver(other, out); },
             },
             message);
  if (!context_.reports.empty()) broker_.publish_reports(out);
}

}  // namespace crosspoint::realm
