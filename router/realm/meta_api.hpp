#pragma once

#include <tsl/robin_map.h>

#include <cstdint>
#include <vector>

#include "realm/session_table.hpp"
#include "realm/shard_context.hpp"

namespace crosspoint::realm {

/// The procedures that a realm answers itself: "Subscription Meta Procedures" (advanced profile) with Crossbar's
/// arguments and results. What only other shards know is gathered from them first. Belongs to its shard.
class MetaApi {
 public:
  /// Who of this shard is subscribed.
  using LocalMembers = std::function<std::vector<wamp::SessionId>(wamp::SubscriptionId)>;

  MetaApi(ShardContext& context, SessionTable& sessions, LocalMembers local_members)
      : context_(context), sessions_(sessions), local_members_(std::move(local_members)) {}

  /// Answers an authorized call, now or when other shards have told what they know. False if it is not for this API.
  bool call(Session& session, const wamp::Call& message, Outbox& out);

  void deliver(const MembersQuery& query, Outbox& out);
  void deliver(const MembersAnswer& answer, Outbox& out);

  struct Request;
  using Handler = void (MetaApi::*)(Request& request, Outbox& out);

 private:
  /// A call that waits for other shards.
  struct Gathering {
    SessionKey caller;
    wamp::RequestId request = 0;
    bool count = false;  ///< only how many
    int missing = 0;     ///< answers
    std::vector<wamp::SessionId> sessions;
  };

  static Handler find(std::string_view procedure);
  void list(Request& request, Outbox& out);
  void lookup(Request& request, Outbox& out);
  void match(Request& request, Outbox& out);
  void get(Request& request, Outbox& out);
  void list_subscribers(Request& request, Outbox& out);
  void count_subscribers(Request& request, Outbox& out);

  /// The subscription that the first argument names; an ERROR has been sent if nullptr.
  SubscriptionRef subscription_argument(Request& request, Outbox& out);
  void gather(Request& request, bool count, Outbox& out);
  void conclude(const Gathering& gathering, Outbox& out);
  void answer(const SessionKey& caller, wamp::RequestId request, const std::string& result, Outbox& out);

  ShardContext& context_;
  SessionTable& sessions_;
  LocalMembers local_members_;
  std::uint64_t last_number_ = 0;
  tsl::robin_map<std::uint64_t, Gathering> gatherings_;
};

}  // namespace crosspoint::realm
