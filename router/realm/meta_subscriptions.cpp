#include <fmt/core.h>

#include <algorithm>
#include <bit>

#include "realm/meta_events.hpp"
#include "realm/meta_request.hpp"

/// "Subscription Meta Procedures"
namespace crosspoint::realm {

using nlohmann::json;

namespace {

/// The answer of wamp.subscription.list: ids by match policy.
std::string list_of(const std::vector<SubscriptionRef>& subscriptions) {
  json lists{{"exact", json::array()}, {"prefix", json::array()}, {"wildcard", json::array()}};
  for (const auto& each : subscriptions) lists[std::string(to_string(each->match))].push_back(each->id);
  return lists.dump();
}

}  // namespace

void MetaApi::subscription_list(Request& request, Outbox& out) {
  const json& session = request.argument(0, "session_id");  // only what this one is subscribed to, as in Crossbar
  if (!session.is_null()) {
    const auto found = session_argument(request, session, out);
    if (found.identity) ask(request, {0, 0, found.key, SessionQuery::What::subscriptions, {}}, out);
    return;
  }
  auto subscriptions = context_.directory.subscriptions.list();
  std::erase_if(subscriptions, [&](const SubscriptionRef& each) { return request.hides(each->uri); });
  answer(request, list_of(subscriptions), out);
}

std::string MetaApi::subscriptions_of(const Session& session) const {
  std::vector<SubscriptionRef> subscriptions;
  for (const auto& entry : session.subscriptions) {
    subscriptions.push_back(context_.directory.subscriptions.get(entry.first));
  }
  std::sort(subscriptions.begin(), subscriptions.end(), [](const auto& a, const auto& b) { return a->id < b->id; });
  return list_of(subscriptions);
}

void MetaApi::subscription_lookup(Request& request, Outbox& out) {
  std::string uri;
  wamp::Match match{};
  if (!read_lookup(request, uri, match, out)) return;
  const auto found = context_.directory.subscriptions.find(uri, match);
  answer(request, found && !request.hides(uri) ? std::to_string(found->id) : "null", out);
}

void MetaApi::subscription_match(Request& request, Outbox& out) {
  const json& topic = request.argument(0, "topic");
  if (!topic.is_string()) return request.fail(wamp::kInvalidArgument, "the argument is a topic", out);
  std::vector<SubscriptionRef> found;
  context_.directory.subscriptions.match(topic.get_ref<const std::string&>(), found);
  json ids = json::array();
  for (const SubscriptionRef& subscription : found) {
    if (!request.hides(subscription->uri)) ids.push_back(subscription->id);
  }
  answer(request, ids.empty() ? "null" : ids.dump(), out);
}

SubscriptionRef MetaApi::subscription_argument(Request& request, Outbox& out) {
  const json& id = request.argument(0, "subscription_id");
  if (!id.is_number_integer()) {
    request.fail(wamp::kInvalidArgument, "the argument is the id of a subscription", out);
    return nullptr;
  }
  auto found = id.is_number_unsigned() ? context_.directory.subscriptions.get(id.get<std::uint64_t>()) : nullptr;
  if (found && !request.hides(found->uri)) return found;
  request.fail(wamp::kNoSuchSubscription, fmt::format("no subscription with ID {} exists on this broker", id.dump()),
               out);
  return nullptr;
}

void MetaApi::subscription_get(Request& request, Outbox& out) {
  const auto found = subscription_argument(request, out);
  if (found) answer(request, details_json(*found), out);
}

void MetaApi::list_subscribers(Request& request, Outbox& out) { gather(request, false, out); }
void MetaApi::count_subscribers(Request& request, Outbox& out) { gather(request, true, out); }

void MetaApi::gather(Request& request, bool count, Outbox& out) {
  const auto subscription = subscription_argument(request, out);
  if (!subscription) return;
  Gathering gathering{request.caller, count, 0, broker_.members(subscription->id)};
  const std::uint64_t number = ++last_number_;
  std::uint64_t others = subscription->shards.load(std::memory_order_acquire) & ~(std::uint64_t{1} << context_.shard);
  for (; others != 0; others &= others - 1, ++gathering.missing) {
    out.post(static_cast<unsigned>(std::countr_zero(others)), MembersQuery{context_.shard, number, subscription->id});
  }
  if (gathering.missing == 0) return conclude(gathering, out);
  gatherings_.emplace(number, std::move(gathering));
}

void MetaApi::deliver(const MembersQuery& query, Outbox& out) {
  out.post(query.from, MembersAnswer{query.number, broker_.members(query.subscription)});
}

void MetaApi::deliver(const MembersAnswer& members, Outbox& out) {
  const auto at = gatherings_.find(members.number);
  if (at == gatherings_.end()) return;
  Gathering& gathering = at.value();
  gathering.sessions.insert(gathering.sessions.end(), members.sessions.begin(), members.sessions.end());
  if (--gathering.missing > 0) return;
  conclude(gathering, out);
  gatherings_.erase(at);
}

void MetaApi::conclude(const Gathering& gathering, Outbox& out) {
  if (gathering.count) {
    return answer(gathering.caller, std::to_string(gathering.sessions.size()), out);
  }
  auto sorted = gathering.sessions;
  std::sort(sorted.begin(), sorted.end());
  answer(gathering.caller, json(sorted).dump(), out);
}

void MetaApi::remove_subscriber(Request& request, Outbox& out) {
  const json& id = request.argument(1, "subscriber_id");
  const json& reason = request.argument(2, "reason");
  if (!id.is_number_integer() || (!reason.is_null() && !reason.is_string())) {
    return request.fail(wamp::kInvalidArgument,
                        "the arguments are the ids of a subscription and a session, and optionally a reason", out);
  }
  const auto subscriber = session_argument(request, id, out);
  if (!subscriber.identity) return;
  const auto subscription = subscription_argument(request, out);
  if (!subscription) return;
  const auto text = std::make_shared<const std::string>(reason.is_string() ? reason.get<std::string>() : "");
  const Removal removal{request.caller, subscription->id, subscriber.identity->session};
  if (subscriber.key.shard != context_.shard) {
    const std::uint64_t number = ++last_number_;
    removals_.emplace(number, removal);
    return out.post(subscriber.key.shard,
                    RemoteUnsubscribe{context_.shard, number, subscriber.key, subscription->id, *text});
  }
  out.keep(text);
  Session* session = sessions_.find(subscriber.key);
  const bool was_subscribed = session != nullptr && broker_.revoke(*session, subscription->id, *text, out);
  conclude_removal(removal, was_subscribed, out);
}

void MetaApi::deliver(const RemoteUnsubscribe& order, Outbox& out) {
  Session* session = sessions_.find(order.subscriber);
  const bool was_subscribed = session != nullptr && broker_.revoke(*session, order.subscription, order.reason, out);
  out.post(order.from, UnsubscribeAnswer{order.number, was_subscribed});
}

void MetaApi::deliver(const UnsubscribeAnswer& answer, Outbox& out) {
  const auto at = removals_.find(answer.number);
  if (at == removals_.end()) return;
  const Removal removal = at->second;
  removals_.erase(at);
  conclude_removal(removal, answer.was_subscribed, out);
}

void MetaApi::conclude_removal(const Removal& removal, bool was_subscribed, Outbox& out) {
  if (was_subscribed) return answer(removal.caller, "null", out);
  fail(removal.caller, wamp::kNoSuchSubscription,
       fmt::format("session {} is not subscribed on subscription {} on this broker", removal.subscriber,
                   removal.subscription),
       out);
}

}  // namespace crosspoint::realm
