#include "realm/meta_api.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <nlohmann/json.hpp>

#include "realm/meta_events.hpp"
#include "serializers/value.hpp"
#include "wamp/errors.hpp"

namespace crosspoint::realm {

using nlohmann::json;

struct MetaApi::Request {
  Session& session;
  const wamp::Call& message;
  json arguments;

  /// Subscriptions to the router's own topics are nobody's business but the router's.
  bool hides(const Subscription& subscription) const {
    return wamp::is_reserved(subscription.uri) && !session.role->trusted();
  }
  void fail(std::string_view error, std::string_view text, Outbox& out) const {
    refuse(out, session, wamp::MessageType::call, message.request, error, text);
  }
};

MetaApi::Handler MetaApi::find(std::string_view procedure) {
  struct Entry {
    std::string_view name;
    Handler handler;
  };
  static constexpr std::string_view kPrefix = "wamp.subscription.";
  static constexpr Entry kProcedures[]{{"list", &MetaApi::list},
                                       {"lookup", &MetaApi::lookup},
                                       {"match", &MetaApi::match},
                                       {"get", &MetaApi::get},
                                       {"list_subscribers", &MetaApi::list_subscribers},
                                       {"count_subscribers", &MetaApi::count_subscribers}};
  if (!procedure.starts_with(kPrefix)) return nullptr;
  procedure.remove_prefix(kPrefix.size());
  for (const Entry& entry : kProcedures) {
    if (entry.name == procedure) return entry.handler;
  }
  return nullptr;
}

bool MetaApi::call(Session& session, const wamp::Call& message, Outbox& out) {
  if (!context_.options.meta_api || !wamp::is_reserved(message.procedure)) return false;
  const Handler handler = find(message.procedure);
  if (handler == nullptr) return false;
  Request request{session, message, {}};
  json keywords;
  if (!serializers::to_values(message.payload, request.arguments, keywords)) {
    request.fail(wamp::kInvalidArgument, "the arguments cannot be read", out);
  } else {
    (this->*handler)(request, out);
  }
  return true;
}

void MetaApi::answer(const SessionKey& caller, wamp::RequestId request, const std::string& result, Outbox& out) {
  Session* session = sessions_.find(caller);
  if (session == nullptr) return;  // it left in the meantime
  out.send(*session, wamp::Result{request, {}, wamp::Payload::from_json("[" + result + "]", 1)});
}

void MetaApi::list(Request& request, Outbox& out) {
  json lists{{"exact", json::array()}, {"prefix", json::array()}, {"wildcard", json::array()}};
  for (const SubscriptionRef& subscription : context_.directory.subscriptions.list()) {
    if (!request.hides(*subscription)) {
      lists[std::string(to_string(subscription->match))].push_back(subscription->id);
    }
  }
  answer(request.session.key, request.message.request, lists.dump(), out);
}

void MetaApi::lookup(Request& request, Outbox& out) {
  const json& arguments = request.arguments;
  if (arguments.empty() || !arguments[0].is_string() || arguments.size() > 2) {
    return request.fail(wamp::kInvalidArgument, "the arguments are a topic, and optionally a dictionary with match",
                        out);
  }
  wamp::Match match = wamp::Match::exact;
  if (arguments.size() == 2 && !arguments[1].is_null()) {
    const bool good = arguments[1].is_object();
    const auto given = good ? arguments[1].find("match") : arguments[1].end();
    if (!good || (given != arguments[1].end() &&
                  (!given->is_string() || !wamp::parse_match(given->get_ref<const std::string&>(), match)))) {
      return request.fail(wamp::kInvalidArgument, "match is one of exact, prefix and wildcard", out);
    }
  }
  const auto found = context_.directory.subscriptions.find(arguments[0].get_ref<const std::string&>(), match);
  answer(request.session.key, request.message.request,
         found && !request.hides(*found) ? std::to_string(found->id) : "null", out);
}

void MetaApi::match(Request& request, Outbox& out) {
  if (request.arguments.size() != 1 || !request.arguments[0].is_string()) {
    return request.fail(wamp::kInvalidArgument, "the argument is a topic", out);
  }
  std::vector<SubscriptionRef> found;
  context_.directory.subscriptions.match(request.arguments[0].get_ref<const std::string&>(), found);
  json ids = json::array();
  for (const SubscriptionRef& subscription : found) {
    if (!request.hides(*subscription)) ids.push_back(subscription->id);
  }
  answer(request.session.key, request.message.request, ids.empty() ? "null" : ids.dump(), out);
}

SubscriptionRef MetaApi::subscription_argument(Request& request, Outbox& out) {
  if (request.arguments.size() != 1 || !request.arguments[0].is_number_integer()) {
    request.fail(wamp::kInvalidArgument, "the argument is the id of a subscription", out);
    return nullptr;
  }
  const json& id = request.arguments[0];
  auto found = id.is_number_unsigned() ? context_.directory.subscriptions.get(id.get<std::uint64_t>()) : nullptr;
  if (found && !request.hides(*found)) return found;
  request.fail(wamp::kNoSuchSubscription, fmt::format("no subscription with ID {} exists on this broker", id.dump()),
               out);
  return nullptr;
}

void MetaApi::get(Request& request, Outbox& out) {
  const auto found = subscription_argument(request, out);
  if (found) answer(request.session.key, request.message.request, details_json(*found), out);
}

void MetaApi::list_subscribers(Request& request, Outbox& out) { gather(request, false, out); }
void MetaApi::count_subscribers(Request& request, Outbox& out) { gather(request, true, out); }

void MetaApi::gather(Request& request, bool count, Outbox& out) {
  const auto subscription = subscription_argument(request, out);
  if (!subscription) return;
  Gathering gathering{request.session.key, request.message.request, count, 0, local_members_(subscription->id)};
  const std::uint64_t number = ++last_number_;
  std::uint64_t others = subscription->shards.load(std::memory_order_acquire) & ~(std::uint64_t{1} << context_.shard);
  for (; others != 0; others &= others - 1, ++gathering.missing) {
    out.post(static_cast<unsigned>(std::countr_zero(others)), MembersQuery{context_.shard, number, subscription->id});
  }
  if (gathering.missing == 0) return conclude(gathering, out);
  gatherings_.emplace(number, std::move(gathering));
}

void MetaApi::deliver(const MembersQuery& query, Outbox& out) {
  out.post(query.from, MembersAnswer{query.number, local_members_(query.subscription)});
}

void MetaApi::deliver(const MembersAnswer& answer, Outbox& out) {
  const auto at = gatherings_.find(answer.number);
  if (at == gatherings_.end()) return;
  Gathering& gathering = at.value();
  gathering.sessions.insert(gathering.sessions.end(), answer.sessions.begin(), answer.sessions.end());
  if (--gathering.missing > 0) return;
  conclude(gathering, out);
  gatherings_.erase(at);
}

void MetaApi::conclude(const Gathering& gathering, Outbox& out) {
  if (gathering.count) {
    return answer(gathering.caller, gathering.request, std::to_string(gathering.sessions.size()), out);
  }
  auto sorted = gathering.sessions;
  std::sort(sorted.begin(), sorted.end());
  answer(gathering.caller, gathering.request, json(sorted).dump(), out);
}

}  // namespace crosspoint::realm
