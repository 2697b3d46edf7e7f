#pragma once

#include <tsl/robin_map.h>

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "realm/broker.hpp"
#include "realm/meta_cluster.hpp"
#include "realm/session_table.hpp"
#include "realm/shard_context.hpp"

namespace crosspoint::realm {

struct HistoryAnswer;
struct HistoryQuery;
class HistoryReading;

/// Where the answer to a call goes.
struct MetaCaller {
  SessionKey session;  ///< names none if another node asks
  wamp::RequestId request = 0;
  /// What another node asks; or what other nodes are to be asked, and how their answers become one.
  std::shared_ptr<const NodeQuestion> question{};
  Merge merge = Merge::none;
};

/// The procedures that a realm answers itself: the session, subscription and registration meta procedures (advanced
/// profile) with Crossbar's arguments and results. What only other shards know is asked of them first, and then what
/// only other nodes know, by having the same procedure called there. Belongs to its shard.
class MetaApi {
 public:
  /// Takes a registration from a callee; see Dealer::remove_callee.
  using RemoveCallee =
      std::function<bool(const std::shared_ptr<const Registration>& registration, const SessionKey& callee,
                         wamp::SessionId session, std::string_view reason, Outbox& out)>;

  MetaApi(ShardContext& context, SessionTable& sessions, Broker& broker, RemoveCallee remove_callee)
      : context_(context), sessions_(sessions), broker_(broker), remove_callee_(std::move(remove_callee)) {}

  /// Answers an authorized call, now or when other shards have told what they know. False if it is not for this API.
  bool call(Session& session, const wamp::Call& message, Outbox& out);

  void deliver(const MembersQuery& query, Outbox& out);
  void deliver(const MembersAnswer& answer, Outbox& out);
  void deliver(const SessionQuery& query, Outbox& out);
  void deliver(const SessionAnswer& answer, Outbox& out);
  void deliver(const RemoteUnsubscribe& order, Outbox& out);
  void deliver(const UnsubscribeAnswer& answer, Outbox& out);
  void deliver(const NodeQuestion& question, Outbox& out);
  void deliver(const NodeAnswers& answers, Outbox& out);
  void deliver(const HistoryAnswer& history, Outbox& out);

  using Caller = MetaCaller;
  struct Request;
  using Handler = void (MetaApi::*)(Request& request, Outbox& out);

 private:
  struct Procedure {
    std::string_view name;
    Handler handler;
    Merge merge = Merge::none;
  };

  /// A call that waits for other nodes.
  struct Inquiry {
    Caller caller;
    NodeAnswer own;
  };

  /// A call that waits for other shards.
  struct Gathering {
    Caller caller;
    bool count = false;  ///< only how many
    int missing = 0;     ///< answers
    std::vector<wamp::SessionId> sessions;
  };

  /// A call of wamp.subscription.remove_subscriber.
  struct Removal {
    Caller caller;
    wamp::SubscriptionId subscription = 0;
    wamp::SessionId subscriber = 0;
  };

  static const Procedure* find(std::string_view procedure);
  /// The session that the argument names; no identity in it, and an ERROR has been sent, if there is none.
  SessionDirectory::Entry session_argument(Request& request, const nlohmann::json& id, Outbox& out);
  /// RESULT with one argument, given as JSON text.
  void answer(const Caller& caller, const std::string& result, Outbox& out);
  void answer(const Request& request, const std::string& result, Outbox& out);
  /// ERROR with a text.
  void fail(const Caller& caller, std::string_view error, std::string_view text, Outbox& out);

  // meta_cluster.cpp
  /// Sends it to the node that asks, or asks other nodes if they may have more to say.
  void own_answer(const Caller& caller, NodeAnswer own, Outbox& out);
  void conclude(const Caller& caller, const NodeAnswer& merged, Outbox& out);

  // meta_sessions.cpp
  void session_count(Request& request, Outbox& out);
  void session_list(Request& request, Outbox& out);
  void session_get(Request& request, Outbox& out);
  void session_modify_details(Request& request, Outbox& out);
  /// Asks the session's shard, and answers with what that says.
  void ask(Request& request, SessionQuery query, Outbox& out);
  SessionAnswer reply(const SessionQuery& query);
  void conclude(const Caller& caller, const SessionAnswer& reply, Outbox& out);
  std::string subscriptions_of(const Session& session) const;
  void session_kill(Request& request, Outbox& out);
  void session_kill_by_authid(Request& request, Outbox& out);
  void session_kill_by_authrole(Request& request, Outbox& out);
  void session_kill_all(Request& request, Outbox& out);
  /// The sessions whose role is in the list that the first argument may be; false if it is something else.
  bool filter_by_role(Request& request, std::vector<wamp::SessionId>& ids, Outbox& out);
  bool read_farewell(Request& request, std::size_t place, std::string& reason, std::string& message, Outbox& out);
  void kill(const SessionKey& session, const std::string& reason, const std::string& message, Outbox& out);
  /// Kills all sessions but the caller's that `wanted` picks; their ids as JSON.
  std::string kill_all(Request& request, const std::function<bool(const Identity&)>& wanted, const std::string& reason,
                       const std::string& message, Outbox& out, std::size_t& count);

  // meta_subscriptions.cpp
  void subscription_list(Request& request, Outbox& out);
  void subscription_lookup(Request& request, Outbox& out);
  void subscription_match(Request& request, Outbox& out);
  void subscription_get(Request& request, Outbox& out);
  void list_subscribers(Request& request, Outbox& out);
  void count_subscribers(Request& request, Outbox& out);
  void remove_subscriber(Request& request, Outbox& out);
  void conclude_removal(const Removal& removal, bool was_subscribed, Outbox& out);
  /// The subscription that the first argument names; an ERROR has been sent if nullptr.
  SubscriptionRef subscription_argument(Request& request, Outbox& out);
  void gather(Request& request, bool count, Outbox& out);
  void conclude(const Gathering& gathering, Outbox& out);

  // meta_history.cpp
  void get_events(Request& request, Outbox& out);
  void topic_history_last(Request& request, Outbox& out);
  void topic_history_since(Request& request, Outbox& out);
  void topic_history_after(Request& request, Outbox& out);
  void topic_history(Request& request, HistoryQuery query, Outbox& out);
  void subscription_flush(Request& request, Outbox& out);
  /// Each of these has sent an ERROR (or has to wait for an authorizer) if it returns false or nullptr.
  bool keeps_history(Request& request, Outbox& out);
  SubscriptionRef logged_argument(Request& request, Outbox& out);
  bool may_subscribe(Request& request, std::string_view uri, Outbox& out);
  /// The subscriptions with a history that match a topic.
  std::vector<SubscriptionRef> histories_of(std::string_view topic) const;
  /// Answers with what the query wants of one of them, now or when the events have been fetched.
  void read_history(Request& request, std::vector<SubscriptionRef> logs, HistoryQuery query, Outbox& out);
  void answer_events(const Caller& caller, const HistoryReading& reading, Outbox& out);

  // meta_testaments.cpp
  void add_testament(Request& request, Outbox& out);
  void flush_testaments(Request& request, Outbox& out);
  bool read_scope(Request& request, std::size_t place, TestamentScope& scope, Outbox& out);

  // meta_registrations.cpp
  void registration_list(Request& request, Outbox& out);
  void registration_lookup(Request& request, Outbox& out);
  void registration_match(Request& request, Outbox& out);
  void registration_get(Request& request, Outbox& out);
  void list_callees(Request& request, Outbox& out);
  void count_callees(Request& request, Outbox& out);
  void remove_callee(Request& request, Outbox& out);
  /// True if it is a callee of another node.
  bool serves_from_elsewhere(const nlohmann::json& registration, wamp::SessionId session) const;
  /// The registration that the first argument names; an ERROR has been sent if there is none in it.
  RegistrationView registration_argument(Request& request, Outbox& out);

  /// URI and match policy, the arguments of both lookups; false if they are wrong, and an ERROR has been sent.
  bool read_lookup(Request& request, std::string& uri, wamp::Match& match, Outbox& out);

  ShardContext& context_;
  SessionTable& sessions_;
  Broker& broker_;
  RemoveCallee remove_callee_;
  std::uint64_t last_number_ = 0;
  tsl::robin_map<std::uint64_t, Gathering> gatherings_;
  tsl::robin_map<std::uint64_t, Removal> removals_;
  tsl::robin_map<std::uint64_t, Inquiry> inquiries_;
};

}  // namespace crosspoint::realm
